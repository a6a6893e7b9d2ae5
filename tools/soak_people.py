"""People of `make soak`: each logged in, over the app's own protocol, planning, importing, taking reports along."""

from __future__ import annotations

import asyncio
import json
import random
import re
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import httpx
from itsdangerous import URLSafeTimedSerializer
from websockets.exceptions import InvalidHandshake, WebSocketException

from tools.app_session import XSRF, AppSession, app_session
from tools.uploading import told_of, upload

ISSUER = "https://id.example.com"
COOKIE = "_streamlit_user"
THINKING = 8.0
"""Between two things that a person does, on average [s]."""
PATIENCE = 90.0
"""Longest wait for what becomes of a file [s]."""
ENDING = 30.0
"""What is on its way when the time is over may take so long [s]."""
LOST = (WebSocketException, InvalidHandshake, OSError, httpx.TransportError, TimeoutError)
"""What a person sees when a copy dies: the page reconnects by itself."""
_IMPORTED = re.compile(r"(\S+): (?:imported as|nothing new, \S+ has it already as) run (\w+)")
Act = Callable[["Person", AppSession, httpx.AsyncClient], Awaitable[None]]


@dataclass(slots=True)
class Person:
    """One visitor, and what befell him.

    number : names him, and all of his files
    taken : kind of act -> how long each took [s]
    saved : name of a file -> the run that the app said it is now
    wrong : what must not happen
    counts : what may
    """

    number: int
    taken: dict[str, list[float]] = field(default_factory=dict)
    saved: dict[str, str] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    @property
    def claims(self) -> dict[str, object]:
        """What a provider would say of him."""
        return {"iss": ISSUER, "sub": f"person-{self.number}", "iat": time.time(), "is_logged_in": True}

    async def _cookies(self, client: httpx.AsyncClient, url: str, secret: str) -> str:
        """What a browser has after a login: the app's token, and who this is, signed as the app signs it."""
        signed = URLSafeTimedSerializer(secret, salt=COOKIE).dumps(json.dumps({**self.claims, "origin": url}))
        token = (await client.get("/_stcore/health")).cookies[XSRF]
        return f"{COOKIE}={signed!s}; {XSRF}={token}"

    async def live(self, url: str, secret: str, until: float) -> None:
        """Opens the app and uses it; opens it anew when it is lost.

        until : on the monotonic clock [s]
        """
        cookie = ""
        coming = (until - time.monotonic()) / 10
        await asyncio.sleep(random.uniform(0, coming))  # noqa: S311 - people do not come in step
        async with httpx.AsyncClient(base_url=url, timeout=60) as client:
            while time.monotonic() < until:
                try:
                    cookie = cookie or await self._cookies(client, url, secret)
                    left = until + ENDING - time.monotonic()
                    async with asyncio.timeout(left), app_session(url, cookie) as session:
                        cookie = session.cookie
                        await self._use(session, client, until)
                except LOST:
                    self.counts["connections lost"] += 1
                    await asyncio.sleep(1)

    async def _use(self, session: AppSession, client: httpx.AsyncClient, until: float) -> None:
        await self._timed("first page", session.visit())
        while time.monotonic() < until:
            weights = [weight for _, weight in ACTS.values()]
            name = random.choices(list(ACTS), weights)[0] if self.counts["files"] else "import"  # noqa: S311
            await asyncio.wait_for(ACTS[name][0](self, session, client), 2 * PATIENCE)
            self.wrong += [f"person {self.number} was shown: {one[:200]}" for one in session.complaints]
            session.complaints.clear()
            await asyncio.sleep(random.expovariate(1 / THINKING))

    async def _timed(self, what: str, done: Awaitable[object]) -> None:
        start = time.perf_counter()
        await done
        self.taken.setdefault(what, []).append(time.perf_counter() - start)

    async def plan(self, session: AppSession, _: httpx.AsyncClient) -> None:
        """Changes a number on Plan."""
        if "Requests at once" not in session.controls or session.page:
            await self._timed("page", session.visit())
        await self._timed("plan", session.change("Requests at once", random.randint(1, 256)))  # noqa: S311

    async def import_file(self, session: AppSession, client: httpx.AsyncClient) -> None:
        """Uploads a load test that nobody else has, and waits for its run."""
        name = f"person-{self.number}-{self.counts['files']}.json"
        self.counts["files"] += 1
        await self._evidence(session)
        await self._imported(session, client, name)

    async def _imported(self, session: AppSession, client: httpx.AsyncClient, name: str) -> None:
        start = time.perf_counter()
        status = await upload(client, session, name, load_test(name))
        if status != 201:
            self.counts[f"uploads refused ({status})"] += 1
            return
        sentence = await told_of(session, name, PATIENCE)
        if found := _IMPORTED.search(sentence):
            self.saved[name] = found[2]
            self.taken.setdefault("import", []).append(time.perf_counter() - start)
        else:
            self.counts["imports that failed in words" if sentence else "imports without an answer"] += 1

    async def hostile(self, session: AppSession, client: httpx.AsyncClient) -> None:
        """Uploads what is made to harm; it must be refused in words."""
        kind = random.choice(list(HOSTILE))  # noqa: S311
        await self._evidence(session)
        name = f"person-{self.number}-hostile-{self.counts['hostile files']}.bin"
        self.counts["hostile files"] += 1
        if await upload(client, session, name, HOSTILE[kind]) == 201:
            sentence = await told_of(session, name, PATIENCE)
            if _IMPORTED.search(sentence):
                self.wrong.append(f"a hostile file was imported: {kind}")

    async def report(self, session: AppSession, client: httpx.AsyncClient) -> None:
        """Takes a small search's table along."""
        await self._timed("report", self._reported(session, client))

    async def _reported(self, session: AppSession, client: httpx.AsyncClient) -> None:
        await session.visit("buy", "among=l40s&split=1&formats=auto")
        if link := session.links.get("Download as CSV"):
            answer = await client.get(link, headers={"Cookie": session.cookie})
            if not answer.text.startswith("#") and "," not in answer.text:
                self.wrong.append(f"a report is no table: {answer.status_code} {answer.text[:80]}")

    async def _evidence(self, session: AppSession) -> None:
        """Opens Evidence, and looks whether all that it shows is this person's."""
        await self._timed("page", session.visit("evidence"))
        if "Clear messages" in session.buttons and session.said:
            await session.press("Clear messages")
            await session.visit("evidence")
        shown = [*session.options.get("Run", []), *session.said]
        strangers = [one for one in shown if (of := re.search(r"person-(\d+)-", one)) and int(of[1]) != self.number]
        self.wrong += [f"person {self.number} saw: {one}" for one in strangers]
        self.counts["looks at one's own runs"] += 1


ACTS: dict[str, tuple[Act, float]] = {
    "plan": (Person.plan, 91),
    "import": (Person.import_file, 4),
    "report": (Person.report, 2),
    "hostile": (Person.hostile, 3),
}
HOSTILE = {
    "nothing that a tool writes": b"milk\n" * 1000,
    "JSON that never closes": b"[" * 2_000_000,
    "a database that is none": b"SQLite format 3\x00" + bytes(range(256)) * 200,
    "a zip that is cut off": b"PK\x03\x04" + b"\x00" * 5000,
    "numbers beyond all bounds": b'{"model_id": "m", "duration": 1e999, "completed": -5, "ttfts": [1e308]}',
    "a name that is a formula": b'{"model_id": "=cmd|\' /C calc\'!A0", "completed": "x"}',
}


def load_test(name: str) -> bytes:
    """A result of vllm bench serve that no other name has.

    name : of its file
    """
    number = random.Random(name).randint(1, 10**6)  # noqa: S311
    ttft = 0.1 + number * 1e-7
    whole = {
        "date": "20261121-021641", "endpoint_type": "openai", "backend": "openai", "model_id": "org/model",
        "tokenizer_id": "org/model", "num_prompts": 3, "request_rate": "inf", "burstiness": 1.0, "max_concurrency": 2,
        "duration": 2.0, "completed": 3, "failed": 0, "total_input_tokens": 30, "total_output_tokens": 12,
        "request_throughput": 1.5, "output_throughput": 6.0, "total_token_throughput": 21.0,
        "input_lens": [10, 10, 10], "output_lens": [4, 4, 4], "ttfts": [ttft, 0.2, 0.3], "itls": [[0.1] * 3] * 3,
        "start_times": [100.0, 100.0, 100.4], "errors": ["", "", ""], "label": name, "mean_ttft_ms": 200.0,
        "mean_tpot_ms": 100.0,
    }  # fmt: skip
    return json.dumps(whole).encode()
