"""Account: who looks, and in which workspace; there where people log in."""

from __future__ import annotations

from ui.account import account

account()
