"""The look of reports, for light and dark, kept within one class so that it fits a notebook."""

__all__ = ["STYLE"]

STYLE = """
.suitably{--paper:#f7f7f5;--card:#fff;--ink:#1d2329;--soft:#5b6570;--line:#e1e3e6;
--good:#0b6e4f;--good-wash:#e5f4ee;--bad:#a8321f;--bad-wash:#fbeae6;--open:#56606b;
--open-wash:#eef0f2;--one:#2458a6;--two:#96520c;--three:#6b3fa0;
color-scheme:light dark;background:var(--paper);color:var(--ink);
font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","PingFang SC",sans-serif;
padding:2.5rem 1.25rem;box-sizing:border-box}
@media screen and (prefers-color-scheme:dark){
.suitably{--paper:#14171a;--card:#1c2024;--ink:#e7eaed;
--soft:#9ba5af;--line:#30363c;--good:#5fd0a5;--good-wash:#16302a;--bad:#ff9580;
--bad-wash:#3a201b;--open:#b3bcc5;--open-wash:#272c31;--one:#8ab4f8;--two:#e6ab62;--three:#c9a8f2}}
.suitably *{box-sizing:border-box}
.suitably header,.suitably section,.suitably footer{max-width:66rem;margin:0 auto}
.suitably header p{margin:.25rem 0 0;color:var(--soft)}
.suitably h1{font-size:1.9rem;line-height:1.2;margin:0;letter-spacing:-.01em}
.suitably h2{font-size:1.1rem;margin:0 0 .9rem}
.suitably section{background:var(--card);border:1px solid var(--line);border-radius:12px;
padding:1.4rem 1.5rem;margin-top:1.25rem}
.suitably section>p{margin:.4rem 0;max-width:75ch}
.suitably .decision{border-left:5px solid var(--open);background:var(--open-wash);
border-radius:8px;padding:.9rem 1.1rem;margin-bottom:1.1rem}
.suitably .decision strong{font-size:1.5rem;line-height:1.2;color:var(--open)}
.suitably .decision strong::first-letter{text-transform:uppercase}
.suitably .decision strong{display:block}
.suitably .decision p{margin:.3rem 0 0;max-width:80ch}
.suitably .decision.good{border-color:var(--good);background:var(--good-wash)}
.suitably .decision.good strong{color:var(--good)}
.suitably .decision.bad{border-color:var(--bad);background:var(--bad-wash)}
.suitably .decision.bad strong{color:var(--bad)}
.suitably .scroll{overflow-x:auto}
.suitably table{border-collapse:collapse;width:100%;font-size:.9rem;
font-variant-numeric:tabular-nums}
.suitably th{text-align:left;font-weight:600;color:var(--soft);white-space:nowrap;
vertical-align:bottom}
.suitably th,.suitably td{padding:.45rem .8rem .45rem 0;border-bottom:1px solid var(--line);
background:none;white-space:nowrap}
.suitably td{vertical-align:top}
.suitably td.text{white-space:normal;min-width:14rem}
.suitably tbody tr:last-child td{border-bottom:0}
.suitably th.number{white-space:normal}
.suitably th.number,.suitably td.number{text-align:right}
.suitably td:first-child{font-weight:600}
.suitably .note{color:var(--soft);font-size:.85rem;margin:.7rem 0 0;max-width:85ch}
.suitably dl{display:grid;grid-template-columns:repeat(auto-fit,minmax(14rem,1fr));
gap:.9rem 1.5rem;margin:0 0 1.1rem}
.suitably dt{color:var(--soft);font-size:.82rem}
.suitably dd{margin:0;overflow-wrap:anywhere}
.suitably .tag{font-weight:600}
.suitably .tag.good{color:var(--good)}
.suitably .tag.bad{color:var(--bad)}
.suitably svg{display:block}
.suitably svg.good,.suitably .lights .good .lamp{color:var(--good)}
.suitably svg.bad,.suitably .lights .bad .lamp{color:var(--bad)}
.suitably svg.open,.suitably .lights .open .lamp{color:var(--open)}
.suitably code{font:.85em ui-monospace,Menlo,Consolas,monospace;background:none;color:inherit}
.suitably h3{font-size:.95rem;margin:1.2rem 0 .5rem}
.suitably .forest{margin:1rem 0;font-size:.9rem}
.suitably .row{display:grid;grid-template-columns:minmax(9rem,14rem) 1fr 11rem;gap:.2rem 1rem;
align-items:center;padding:.2rem 0}
.suitably .row .name{font-weight:600;overflow-wrap:anywhere}
.suitably .row svg{width:100%;height:1.3rem;overflow:visible}
.suitably .ends{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.suitably .axis{color:var(--soft);font-size:.8rem;padding:0}
.suitably .axis div{position:relative;height:1.3rem;border-top:1px solid var(--line);
margin:0 5%}
.suitably .axis span{position:absolute;transform:translateX(-50%)}
.suitably .axis .end{transform:translateX(-85%)}
.suitably ul{list-style:none;margin:.4rem 0;padding:0}
.suitably ul.plain{list-style:disc;padding-left:1.1rem;max-width:75ch}
.suitably .lights{display:grid;grid-template-columns:repeat(auto-fit,minmax(18rem,1fr));
gap:.6rem}
.suitably .lights li{display:flex;gap:.7rem;border:1px solid var(--line);border-radius:8px;
padding:.6rem .8rem;overflow-wrap:anywhere;break-inside:avoid}
.suitably .lights .good{background:var(--good-wash)}
.suitably .lights .bad{background:var(--bad-wash)}
.suitably .lights .open{background:var(--open-wash)}
.suitably .lamp{flex:none;width:1.5rem;height:1.5rem;border-radius:50%;border:2px solid;
font-weight:700;line-height:1.3rem;text-align:center}
.suitably .lights p{margin:.15rem 0 0;font-size:.85rem;color:var(--ink)}
.suitably small{font-size:.8rem;color:var(--ink)}
.suitably td .entry{display:block;vertical-align:top}
.suitably .against{display:block;color:var(--bad);font-size:.95em}
.suitably .chart{max-width:27rem;margin:.8rem 0}
.suitably .chart svg{width:100%;height:auto;fill:none;stroke:currentColor;overflow:visible}
.suitably .chart text{font-size:11px;fill:var(--soft);stroke:none}
.suitably .chart .frame{stroke:var(--line)}
.suitably .s0{color:var(--open)}
.suitably .s1{color:var(--one)}
.suitably .s2{color:var(--two)}
.suitably .s3{color:var(--three)}
.suitably polyline.s0{stroke-dasharray:5 4}
.suitably .legend{display:flex;flex-wrap:wrap;gap:.2rem 1.2rem;font-size:.85rem}
.suitably .legend li::before{content:"● "}
.suitably .shade{display:inline-block;padding:.1rem .4rem;margin-right:-.4rem;border-radius:5px}
.suitably .scroll+.scroll{margin-top:1.4rem}
.suitably .shade.good{background:color-mix(in srgb,var(--good) var(--depth),transparent)}
.suitably .shade.bad{background:color-mix(in srgb,var(--bad) var(--depth),transparent)}
.suitably footer{color:var(--soft);font-size:.85rem;margin-top:1.5rem}
@media screen and (max-width:72rem){
.suitably table{font-size:.82rem}
.suitably th,.suitably td{white-space:normal;padding-right:.45rem}
.suitably td.number{white-space:nowrap}
.suitably td.text{min-width:10rem}
.suitably section{padding-left:1.1rem;padding-right:1.1rem}}
@media screen and (max-width:52rem){
.suitably{padding:1.1rem .7rem}
.suitably h1{font-size:1.6rem}
.suitably section{padding:1rem .9rem;border-radius:10px;margin-top:.9rem}
.suitably dl{grid-template-columns:1fr}
.suitably .scroll{overflow-x:visible}
.suitably table{font-size:.9rem}
.suitably table,.suitably tbody,.suitably tr,.suitably td{display:block}
.suitably thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
.suitably tr{border:1px solid var(--line);border-radius:8px;padding:.35rem .75rem;
margin-bottom:.7rem}
.suitably td,.suitably td.number,.suitably td.text{display:flex;justify-content:space-between;
align-items:baseline;gap:1rem;padding:.3rem 0;min-width:0;white-space:normal;text-align:right;
overflow-wrap:anywhere;border-bottom:0}
.suitably td::before{content:attr(data-label);flex:none;max-width:45%;text-align:left;
font-weight:400;color:var(--soft)}
.suitably td[data-label=""]{justify-content:flex-end}
.suitably td[data-label=""]::before{content:none}
.suitably td.text{display:block;text-align:left}
.suitably td.text::before{display:block;max-width:none}
.suitably td:first-child,.suitably tbody tr:last-child td:first-child{font-size:1rem;
border-bottom:1px solid var(--line);margin-bottom:.2rem}
.suitably .row{grid-template-columns:1fr auto;padding:.35rem 0}
.suitably .row svg,.suitably .axis div{grid-column:1/-1;grid-row:2}
.suitably .axis{display:block}
.suitably .lights{grid-template-columns:1fr}
.suitably dl>div{display:flex;justify-content:space-between;align-items:baseline;gap:1rem}
.suitably dt{flex:none;max-width:45%}
.suitably dd{text-align:right}}
@media print{.suitably{padding:0;background:none;font-size:11pt;print-color-adjust:exact}
.suitably section{padding:.8rem 0;border-width:1px 0 0;border-radius:0}
.suitably tr,.suitably .row,.suitably .chart,.suitably .decision{break-inside:avoid}
.suitably h2{break-after:avoid}
.suitably .scroll{overflow-x:visible}
.suitably table{font-size:8pt}
.suitably th,.suitably td{white-space:normal;padding-right:.5rem}
.suitably td.number{white-space:nowrap}
.suitably td.text{min-width:9rem}}
"""
