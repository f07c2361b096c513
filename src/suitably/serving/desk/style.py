"""The look of the desk: that of reports, and what forms and navigation need besides."""

from suitably.report.style import STYLE as REPORT

__all__ = ["STYLE"]

_OWN = """
html{scroll-padding-top:1rem}
body{margin:0}
.desk{min-height:100vh;padding:0 1.25rem 2.5rem;--accent:#1d4e89;--accent-ink:#fff;--field:#fff;
--edge:#767e87;overflow-wrap:break-word}
@media screen and (prefers-color-scheme:dark){
.desk{--accent:#9cc4f5;--accent-ink:#10202f;--field:#14171a;--edge:#858f99}}
.desk a{color:var(--accent);text-underline-offset:.15em}
.desk :focus-visible{outline:3px solid var(--accent);outline-offset:2px;border-radius:3px}
.desk main:focus{outline:none}
.desk .skip{position:absolute;left:-999rem}
.desk .skip:focus{left:1rem;top:.6rem;z-index:2;background:var(--card);padding:.5rem .8rem}
.desk main>header{padding-top:1.6rem}
.desk h1{overflow-wrap:anywhere}
.desk .lead{color:var(--soft);margin-top:.25rem}
.desk td details{margin:.2rem 0 0}
.desk td summary{font-weight:400;font-size:.9em}
.desk td details p{margin:.2rem 0 .4rem;max-width:70ch}
.desk h2{font-size:1.15rem}
.desk .top{display:flex;flex-wrap:wrap;align-items:center;gap:.4rem 1.6rem;padding:.9rem 0;
border-bottom:1px solid var(--line)}
.desk .top p{margin:0}
.desk .top ul{display:flex;flex-wrap:wrap;gap:.2rem 1.2rem;margin:0}
.desk .top li a,.desk .top li span{display:inline-block;padding:.25rem 0}
.desk .brand a{font-weight:700;color:var(--ink);text-decoration:none}
.desk .top nav a{text-decoration:none}
.desk .top nav a:hover{text-decoration:underline}
.desk .top nav a[aria-current]{color:var(--ink);font-weight:600;
box-shadow:inset 0 -2px 0 var(--accent)}
.desk .languages{margin-left:auto;font-size:.9rem}
.desk .languages span{color:var(--soft)}
.desk form{margin:.6rem 0}
.desk form.line{display:flex;flex-wrap:wrap;align-items:flex-end;gap:.8rem}
.desk .top form{margin:0}
.desk .field{margin:.6rem 0;max-width:34rem}
.desk form.line .field{margin:0;flex:1 1 14rem}
.desk form.line:has(small) button{align-self:center}
.desk .field.wide{max-width:none}
.desk label{display:block;font-weight:600;font-size:.9rem;margin-bottom:.25rem}
.desk .field small{display:block;color:var(--soft);margin-top:.25rem}
.desk input,.desk select,.desk textarea{font:inherit;color:var(--ink);background:var(--field);
border:1px solid var(--edge);border-radius:6px;padding:.45rem .6rem;width:100%;max-width:100%}
.desk input[type=hidden]{display:none}
.desk textarea{font:.85rem/1.5 ui-monospace,Menlo,Consolas,monospace;resize:vertical;tab-size:4}
.desk [aria-invalid=true]{border-color:var(--bad)}
.desk button{font:inherit;font-weight:600;color:var(--accent-ink);background:var(--accent);
border:1px solid var(--accent);border-radius:6px;padding:.45rem 1rem;cursor:pointer;
min-height:2.5rem}
.desk button.plain,.desk button.small{color:var(--accent);background:none;min-height:0;
padding:.25rem .7rem;font-size:.9rem}
.desk button.danger{background:var(--bad);border-color:var(--bad);color:var(--card)}
.desk .notice{border-left:4px solid var(--open);background:var(--open-wash);padding:.6rem .9rem;
border-radius:6px;max-width:none;overflow-wrap:anywhere}
.desk .notice.bad{border-color:var(--bad);background:var(--bad-wash)}
.desk .notice.good{border-color:var(--good);background:var(--good-wash)}
.desk details{margin:.8rem 0 0}
.desk summary{cursor:pointer;font-weight:600;color:var(--accent);padding:.25rem 0}
.desk details>dl,.desk details>form,.desk details>.scroll{margin-top:.7rem}
.desk pre{margin:.4rem 0;padding:.7rem .9rem;background:var(--open-wash);border-radius:6px;
overflow-x:auto}
.desk mark{background:var(--bad);color:var(--card);border-radius:2px}
.desk code{overflow-wrap:anywhere}
.desk .scroll{overflow-x:visible}
.desk th,.desk td{white-space:normal}
.desk th{word-break:keep-all}
.desk td{overflow-wrap:anywhere}
.desk td.text{min-width:8rem}
.desk td .tag{white-space:nowrap}
.desk td:first-child small{font-weight:400}
.desk td.number{white-space:nowrap}
.desk td.text:first-child{min-width:7rem;max-width:16rem}
.desk td small{color:var(--soft);font-size:.88em}
.desk td.text>div+div{margin-top:.3rem}
.desk td:not(:first-child){font-weight:400}
.desk tr:target,.desk td:has(:target){background:var(--open-wash)}
.desk dl{grid-template-columns:repeat(auto-fit,minmax(12rem,1fr))}
.desk main+footer{border-top:1px solid var(--line);padding-top:.9rem;margin-top:2rem}
.desk footer p{margin:.2rem 0}
@media screen and (max-width:52rem){
.desk{padding:0 .8rem 1.5rem}
.desk .languages{margin-left:0}
.desk td:first-child{text-align:left}
.desk td.text:first-child{max-width:none}
.desk td.text form.line{display:block}
.desk form.line .field{flex-basis:100%}
.desk button{width:auto}}
@media (prefers-reduced-motion:no-preference){.desk a,.desk button{transition:color .15s}}
@media print{
.desk{padding:0}
.desk .top,.desk .skip,.desk form,.desk form.line,.desk summary,
.desk details:has(form){display:none}
.desk details::details-content{content-visibility:visible;display:block}
.desk a{color:inherit;text-decoration:none}
.desk main>header{padding-top:0}}
"""

STYLE = REPORT.strip() + _OWN
