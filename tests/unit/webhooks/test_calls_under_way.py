"""Test calls: bounded for each client and for all, and when one is to be tried again."""

from contextlib import ExitStack

import pytest

from orderlane.domain.ids import ClientId
from orderlane.ports.webhooks import TooManyTestCalls
from orderlane.webhooks.test_calls import CallLimits, CallsUnderWay

A, B = ClientId("a"), ClientId("b")


def test_a_client_has_so_many_at_once_and_no_more() -> None:
    calls = CallsUnderWay(CallLimits(per_client=2, total=10, seconds_max=15))
    with calls.one_more(A, 100.0), calls.one_more(A, 104.5):
        with pytest.raises(TooManyTestCalls) as refused, calls.one_more(A, 106.2):
            pass
        with calls.one_more(B, 106.2):
            pass

    assert (refused.value.limit, refused.value.retry_after_seconds, refused.value.is_own) == (2, 9, True)
    assert str(refused.value) == "2 test calls of this client are under way, which is the limit: try again in 9 s"
    with calls.one_more(A, 107.0):
        pass


def test_all_clients_together_have_so_many() -> None:
    calls = CallsUnderWay(CallLimits(per_client=2, total=3, seconds_max=15))
    with ExitStack() as stack:
        for number in range(3):
            stack.enter_context(calls.one_more(ClientId(str(number)), float(number)))
        with pytest.raises(TooManyTestCalls) as refused, calls.one_more(A, 14.9):
            pass

    assert (refused.value.limit, refused.value.retry_after_seconds, refused.value.is_own) == (3, 1, False)


def test_a_call_that_fails_is_counted_out() -> None:
    calls = CallsUnderWay(CallLimits(per_client=1))
    for _ in range(2):
        with pytest.raises(RuntimeError), calls.one_more(A, 0.0):
            raise RuntimeError
