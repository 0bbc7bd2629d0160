"""The decision engine: verdicts on a creative test at a controlled error rate, from stored figures alone.

Pure: numbers in, verdicts out. `judge` answers at one poll, `replay` re-runs a whole history,
`chance_of_proof` says beforehand what a test can show, `sentences` puts a verdict into words.
"""

from autopublisher.domain.evidence.criteria import Criterion, Figure
from autopublisher.domain.evidence.delay import ReportingDelay
from autopublisher.domain.evidence.design import Design, Mode
from autopublisher.domain.evidence.judging import judge, judge_running, replay
from autopublisher.domain.evidence.observations import Figures, History, Snapshot
from autopublisher.domain.evidence.planning import ChanceOfProof, ProofCost, chance_of_proof
from autopublisher.domain.evidence.rules import Kind
from autopublisher.domain.evidence.standing import Standing
from autopublisher.domain.evidence.verdict import (
    Diagnostic,
    Estimate,
    InterimAnalysis,
    PairResult,
    VariantResult,
    Verdict,
)
from autopublisher.domain.evidence.verdict_text import Language, headline, method_note, sentences

__all__ = [
    "ChanceOfProof",
    "Criterion",
    "Design",
    "Diagnostic",
    "Estimate",
    "Figure",
    "Figures",
    "History",
    "InterimAnalysis",
    "Kind",
    "Language",
    "Mode",
    "PairResult",
    "ProofCost",
    "ReportingDelay",
    "Snapshot",
    "Standing",
    "VariantResult",
    "Verdict",
    "chance_of_proof",
    "headline",
    "judge",
    "judge_running",
    "method_note",
    "replay",
    "sentences",
]
