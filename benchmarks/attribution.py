"""How well attribution tells what passages carry from what they don't, and how people see it.

`python benchmarks/attribution.py FOLDER… [--train] [--half 0|1] [--limit N] [--json OUT]`

A FOLDER holds claims with evidence (`corpus.jsonl`, `questions.jsonl`, for `--train`
`questions_train.jsonl`) or answers that people have rated (`human_evaluations.json`, of which
`--half` takes every second task). Everything is judged by the product's own functions at its own
thresholds. A claim is put before its abstract, and before one taken by chance.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

if TYPE_CHECKING:
    from benchmarks.attribution_cases import ClaimCase, JudgedAnswer
    from chat.attribution import Encode

VERDICTS = ("supported", "weak", "unsupported")


def main() -> None:
    """Reads, judges, prints."""
    from phi3site import bootstrap

    bootstrap.enter([sys.argv[0], *sys.argv[1:]])
    from benchmarks.attribution_cases import is_claims, read_claims, read_judgements
    from knowledge.embedding import EncoderSpec, open_encoder

    options = _options()
    encode = open_encoder(EncoderSpec(options.encoder)).encode_passages
    figures: dict[str, Any] = {}
    for folder in options.folders:
        if is_claims(folder):
            cases = read_claims(folder, is_train=options.train)[: options.limit]
            figures[folder.name] = judge_claims(cases, encode)
        else:
            answers = read_judgements(folder, half=options.half)[: options.limit]
            figures[folder.name] = judge_answers(answers, encode)
        _print(folder.name, figures[folder.name])
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("folders", type=Path, nargs="+", metavar="FOLDER")
    parser.add_argument("--train", action="store_true", help="claims to choose thresholds by")
    parser.add_argument("--half", type=int, choices=(0, 1), help="every second rated task")
    parser.add_argument("--limit", type=int, help="cases of each folder, from the first")
    parser.add_argument("--encoder", default="packaged-minilm")
    parser.add_argument("--json", type=Path, help="where all figures go")
    return parser.parse_args()


def judge_claims(cases: "Sequence[ClaimCase]", encode: "Encode") -> dict[str, Any]:
    """Verdicts by label, precision and recall of the first two, AUC against each other label."""
    from benchmarks.attribution_cases import SUPPORT
    from chat.attribution import attribute

    verdicts: dict[str, Counter[str]] = {}
    scores: dict[str, list[float]] = {}
    for case in cases:
        found = attribute(case.claim, [case.source], encode=encode)
        best = max(found, key=lambda each: each.support, default=None)
        verdicts.setdefault(case.label, Counter())[best.verdict if best else "unsupported"] += 1
        scores.setdefault(case.label, []).append(best.support if best else 0.0)
    return {
        "verdicts": {label: dict(counts) for label, counts in verdicts.items()},
        "supported": precision_recall(verdicts, SUPPORT, VERDICTS[:1]),
        "supported or weak": precision_recall(verdicts, SUPPORT, VERDICTS[:2]),
        "auc": {
            label: round(auc(scores.get(SUPPORT, []), others), 4)
            for label, others in scores.items()
            if label != SUPPORT
        },
    }


def judge_answers(answers: "Sequence[JudgedAnswer]", encode: "Encode") -> dict[str, Any]:
    """Rank correlation of what the product makes of an answer with people's ratings."""
    from scipy.stats import spearmanr

    from chat.attribution import attribute
    from chat.faithfulness import faithfulness

    found = []
    for each in answers:
        cited = attribute(each.text, each.sources, encode=encode, question=each.question)
        found.append(faithfulness(each.text, each.sources, cited))
    correlation = spearmanr(found, [each.rating for each in answers])
    return {
        "answers": len(answers),
        "spearman": round(float(correlation.statistic), 4),
        "p": float(correlation.pvalue),
    }


def precision_recall(
    verdicts: Mapping[str, Mapping[str, int]], label: str, taken: Sequence[str]
) -> dict[str, float]:
    """Of the cases with these verdicts, the share of that label; and of the label, those taken."""
    hits = sum(verdicts.get(label, {}).get(verdict, 0) for verdict in taken)
    all_taken = sum(counts.get(verdict, 0) for counts in verdicts.values() for verdict in taken)
    wanted = sum(verdicts.get(label, {}).values())
    return {
        "precision": round(hits / all_taken, 4) if all_taken else 0.0,
        "recall": round(hits / wanted, 4) if wanted else 0.0,
    }


def auc(better: Sequence[float], worse: Sequence[float]) -> float:
    """The chance that one of the first scores higher than one of the second; ties count half."""
    from scipy.stats import mannwhitneyu

    if not better or not worse:
        return 0.0
    return float(mannwhitneyu(better, worse).statistic) / (len(better) * len(worse))


def _print(name: str, figures: dict[str, Any]) -> None:
    print(name)
    if "spearman" in figures:
        print(f"  {figures['answers']} answers, Spearman with people {figures['spearman']:.3f}")
        return
    print(f"  {'':<12}" + "".join(f"{verdict:>13}" for verdict in VERDICTS) + f"{'AUC':>8}")
    for label, counts in figures["verdicts"].items():
        row = "".join(f"{counts.get(verdict, 0):>13}" for verdict in VERDICTS)
        told = f"{figures['auc'][label]:>8.3f}" if label in figures["auc"] else ""
        print(f"  {label:<12}{row}{told}")
    for taken in ("supported", "supported or weak"):
        found = figures[taken]
        print(f"  {taken}: precision {found['precision']:.3f}, recall {found['recall']:.3f}")


if __name__ == "__main__":
    main()
