from suitably import data as data
from suitably import decisions as decisions
from suitably import engines as engines
from suitably import evaluation as evaluation
from suitably import governance as governance
from suitably import metrics as metrics
from suitably import profiles as profiles
from suitably import ranking as ranking
from suitably import reranking as reranking
from suitably import suitability as suitability
from suitably.data import Columns as Columns
from suitably.data import Dataset as Dataset
from suitably.errors import ArtifactError as ArtifactError
from suitably.errors import DataError as DataError
from suitably.errors import NotFittedError as NotFittedError
from suitably.errors import PolicyError as PolicyError
from suitably.errors import SuitabilityWarning as SuitabilityWarning
from suitably.errors import SuitablyError as SuitablyError
from suitably.evaluation import ABTest as ABTest
from suitably.pipeline import Pipeline as Pipeline
from suitably.pipeline import load as load
from suitably.recommendations import Recommendations as Recommendations
from suitably.suitability import Eligibility as Eligibility
from suitably.suitability import Policy as Policy
from suitably.suitability import RuleVerdict as RuleVerdict
from suitably.utils.progress import show_progress as show_progress

__version__: str
