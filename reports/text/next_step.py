"""What to do next, in one sentence, from what the run lacks."""

from __future__ import annotations

from pocketbench.bench.judge.summary import Verdict
from pocketbench.reports.text.phrases import counted
from pocketbench.reports.view import View


def next_step(view: View) -> str | None:
    """The one thing that would help most; `None` where nothing is missing."""
    if view.summary.failures or view.summary.sustained:
        return None
    if view.summary.run.outcome != "finished":
        return view.how_to_go_on
    judged = [c for c in view.judged if c.metric == view.primary.name]
    if view.summary.compared_with is not None:
        return (
            "measure both builds in the same blocks before deciding: "
            "`pocketbench run --baseline A --candidate B`"
        )
    if view.summary.resolutions:
        return _resolving_step(view)
    open_ones = [c for c in judged if c.verdict is Verdict.INCONCLUSIVE]
    if open_ones:
        needed = [c.launches_to_settle for c in open_ones]
        what = counted(len(open_ones), "inconclusive comparison")
        known = [number for number in needed if number is not None]
        if len(known) == len(needed):
            more = counted(max(known), "more launch", "more launches")
            return (
                f"about {more} of each build to settle {what} (`--until-settled` "
                "adds them)"
            )
        return f"quiet the device and run again: {what} cannot be settled as it is"
    slower = [c for c in judged if c.verdict is Verdict.REGRESSION]
    if slower and not view.summary.operators and not view.generation:
        return f"`--profile ops` shows what makes {slower[0].candidate} slower"
    if not any(
        view.tag(x) is None and not view.is_this_computer(x) for x in view.device_ids
    ):
        return "measure on a real phone before deciding anything about phones"
    return None


def _resolving_step(view: View) -> str | None:
    """How many blocks a self-check asks for; its two builds are the same file."""
    found = view.summary.resolutions
    needed = [x.blocks_for_min_effect for x in found if x.metric == view.primary.name]
    known = [number for number in needed if number is not None]
    if len(known) < len(needed):
        return "quiet the device and run again: its noise hides the minimum effect"
    most = max(known, default=0)
    if most <= max((x.blocks for x in found), default=0):
        return None
    return f"quiet the device, or compare builds with about `--blocks {most}`"
