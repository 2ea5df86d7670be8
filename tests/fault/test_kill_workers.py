"""`kill -9` of any worker, mid-flow: the same documents and the same alerts as an undisturbed run."""

from __future__ import annotations

import signal
import threading
import time

import pytest

from console.workers import STAGES
from deploy.stack import Stack
from tests.installation import Installation, Outcome, assert_same
from tests.stream import CRISIS, Plan, plan

pytestmark = [pytest.mark.engines, pytest.mark.fault, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def undisturbed(stack: Stack) -> tuple[Plan, Outcome]:
    """The run nobody disturbs: what every other run must equal."""
    calm = Installation.make(stack.settings.state_dir, "calm")
    todo = plan(calm.settings)
    calm.produce(todo.records)
    calm.workers.start()
    try:
        outcome = calm.finish()
    finally:
        calm.workers.stop()
    calm.check(outcome)
    return todo, outcome


def test_an_undisturbed_run_adds_up_and_rings_once(undisturbed: tuple[Plan, Outcome]) -> None:
    """Every item is a document once or rejected with a reason; the crisis rings, and only it; the alert resolves."""
    todo, outcome = undisturbed
    assert len(outcome.documents) == todo.distinct
    assert len(outcome.rejected) == todo.broken
    fired = [e for e in outcome.alerts.values() if e.state == "firing"]
    assert [e.subject for e in fired] == [f"entity:{CRISIS}"]
    assert [e.alert for e in outcome.alerts.values() if e.state == "resolved"] == [fired[0].alert]


@pytest.mark.parametrize("victims", [("enrich",), ("index",), ("detect",), ("notify",), STAGES])
def test_killed_workers_change_nothing(
    stack: Stack, undisturbed: tuple[Plan, Outcome], victims: tuple[str, ...]
) -> None:
    """Workers killed again and again while items flow are restarted, and the outcome is the undisturbed one."""
    todo, expected = undisturbed
    run = Installation.make(stack.settings.state_dir, f"kill-{'-'.join(victims)}"[:32])
    run.workers.start()
    feeding = threading.Thread(target=run.produce, args=(todo.records, 0.15))
    feeding.start()
    try:
        for _ in range(2):
            for victim in victims:
                time.sleep(4 if len(victims) == 1 else 2)
                if run.workers.pid(victim):
                    run.workers.kill(victim)
                run.workers.watch()
        feeding.join()
        outcome = run.finish()
    finally:
        feeding.join()
        run.workers.stop()
    run.check(outcome)
    assert_same(outcome, expected)


def test_a_worker_told_to_stop_while_triton_hangs_stops_at_once(stack: Stack) -> None:
    """SIGTERM with Triton frozen ends the worker within seconds with code 0; later everything is there."""
    run = Installation.make(stack.settings.state_dir, "term")
    todo = plan(run.settings, count=150, seed=3)
    try:
        run.workers.start(["enrich", "index"])
        run.produce(todo.records[:60])
        run.wait(run.drained, 60, "worker at work")
        stack.pause("triton")
        try:
            run.produce(todo.records[60:])
            time.sleep(3)
            process = run.workers.children["enrich"].process
            assert process is not None
            started = time.monotonic()
            process.send_signal(signal.SIGTERM)
            code = process.wait(15)
            assert time.monotonic() - started < 10
            assert code == 0
        finally:
            stack.resume("triton")
        run.workers.start(["enrich"])
        outcome = run.finish()
    finally:
        run.workers.stop()
    run.check(outcome)


def test_a_frozen_worker_is_replaced_and_its_late_words_change_nothing(
    stack: Stack, undisturbed: tuple[Plan, Outcome]
) -> None:
    """A worker stopped past its session is taken over by another; when it wakes, nothing is doubled or lost."""
    todo, expected = undisturbed
    run = Installation.make(stack.settings.state_dir, "zombie")
    second = Installation.make(stack.settings.state_dir, "zombie")
    run.workers.start()
    feeding = threading.Thread(target=run.produce, args=(todo.records, 0.3))
    feeding.start()
    frozen = [run.workers.children[s].process for s in ("enrich", "detect")]
    try:
        time.sleep(5)
        for process in frozen:
            assert process is not None
            process.send_signal(signal.SIGSTOP)
        second.workers.start(["enrich", "detect"])
        time.sleep(20)  # longer than the session time-out of fifteen seconds
        for process in frozen:
            assert process is not None
            process.send_signal(signal.SIGCONT)
        feeding.join()
        outcome = run.finish(180)
    finally:
        for process in frozen:
            if process is not None and process.poll() is None:
                process.send_signal(signal.SIGCONT)
        feeding.join()
        second.workers.stop()
        run.workers.stop()
    run.check(outcome)
    assert_same(outcome, expected)
