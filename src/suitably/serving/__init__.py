"""Serving: versions of saved pipelines, the off-switch, and a service that answers from them."""

from suitably.serving.canary import Canary, CanaryReport
from suitably.serving.promotions import Promotion, PromotionRefused
from suitably.serving.switched import switched
from suitably.serving.switches import Switch, Switches, SwitchState
from suitably.serving.versions import ModelFolder, Version

__all__ = ["Canary", "CanaryReport", "ModelFolder", "Promotion", "PromotionRefused", "Switch"]
__all__ += ["SwitchState", "Switches", "Version", "switched"]
