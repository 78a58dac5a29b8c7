"""The engine openai against a fake server that speaks its API and misbehaves on command."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import jsonschema
import pytest

from assay.core.errors import UserError
from assay.engines import openai
from assay.engines._answers import ENGINE_ERROR, Stream, checked
from assay.engines._outputs import fingerprint_id
from assay.engines.base import EngineDiedError, Margin

THINK = "They want it."


class FakeServer(BaseHTTPRequestHandler):
    """A fake: the prompt's first word says what it is to do; it remembers what it was asked."""

    asked: list[dict] = []  # noqa: RUF012 (of the class: one server a test)
    version = "1.2.3"
    died = 0

    def log_message(self, *args):
        pass

    def do_GET(self):
        if self.path == "/v1/models":
            self._whole({"data": [
                {"id": "m", "created": time.time_ns(), "max_model_len": 64, "owned_by": "us"},
                {"id": "other"},
            ]})  # fmt: skip
        elif self.path == "/version" and self.version:
            self._whole({"version": self.version})
        else:
            self._whole({"error": "not found"}, 404)

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        type(self).asked.append({**body, "key": self.headers.get("Authorization")})
        word = body["messages"][0]["content"].split()[0]
        if word == "long":
            self._whole({"error": {"message": "maximum context length is 64 tokens"}}, 400)
        elif word == "sick" or (word == "once" and not type(self).died):
            type(self).died += 1
            self._whole({"error": "overloaded"}, 503)
        elif not body["stream"]:
            self._whole({"choices": [{"logprobs": {"content": self._likely()}}]})
        else:
            self._stream(body, word)

    @staticmethod
    def _likely():
        pairs = [[("héllo", -0.25), ("hallo", -0.75)], [(" there", -0.5), (" you", -2.5)]]
        told = [[{"token": t, "logprob": p} for t, p in pair] for pair in pairs]
        return [{**both[0], "top_logprobs": both} for both in told]

    def _stream(self, body, word):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        if word == "hang":
            time.sleep(5)
        pieces = {"empty": [], "endless": ["x "] * body["max_tokens"]}.get(
            word, ["héllo", " there"]
        )
        if word == "think":
            self._event(choices=[{"delta": {"reasoning_content": THINK}}])
        for piece in pieces:
            self._event(choices=[{"delta": {"content": piece}, "finish_reason": None}])
            if word == "broken":
                return
        if word == "failing":
            self._event(error={"message": "out of memory"})
            return
        finish = {"endless": "length", "strange": "content_filter"}.get(word, "stop")
        self._event(choices=[{"delta": {}, "finish_reason": finish}])
        if word != "uncounted":
            self._event(choices=[], usage={
                "prompt_tokens": 60 if word == "cut" else 5, "completion_tokens": len(pieces),
                "prompt_tokens_details": {"cached_tokens": 4 * (word == "cached")},
            })  # fmt: skip
        self.wfile.write(b"data: [DONE]\n\n")

    def _event(self, **fields):
        self.wfile.write(b"data: " + json.dumps(fields).encode() + b"\n\n")
        self.wfile.flush()

    def _whole(self, value, status=200):
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@pytest.fixture
def server():
    handler = type("Handler", (FakeServer,), {"asked": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as made:
        made.handler = handler
        thread = threading.Thread(target=made.serve_forever, args=(0.02,))
        thread.start()
        yield made
        made.shutdown()
        thread.join()


@pytest.fixture
def opened(server):
    def make(**parameters):
        url = f"http://127.0.0.1:{server.server_port}/v1"
        given = {**openai.EXAMPLES[0], "url": url, "context": 64, "patience_s": 2, **parameters}
        jsonschema.validate(given, openai.PARAMETERS)
        return openai.open_engine({"model": "x", "seed": 7, "parameters": given}, None, None)

    return make


def test_an_answer_carries_text_counts_and_times(opened, request_of, server):
    with opened() as engine:
        answer = engine.answer(request_of("hello"))
    assert answer.response == "héllo there"
    assert (answer.thinking, answer.finish_reason, answer.void) == (None, "stop", None)
    assert (answer.prompt_tokens, answer.completion_tokens, answer.cached_tokens) == (5, 2, 0)
    assert 0 < answer.ttft_us <= answer.latency_us
    (asked,) = server.handler.asked
    assert (asked["temperature"], asked["top_p"], asked["seed"], asked["n"]) == (0, 1, 7, 1)
    assert (asked["max_tokens"], asked["key"]) == (16, None)
    assert asked["stream_options"] == {"include_usage": True}


def test_reasoning_is_kept_apart(opened, request_of):
    with opened() as engine:
        answer = engine.answer(request_of("think hard"))
    assert (answer.thinking, answer.response) == (THINK, "héllo there")


@pytest.mark.parametrize(
    ("prompt", "finish", "text", "void"),
    [
        ("endless", "length", "x " * 4, None),
        ("empty", "stop", "", None),
        ("strange", "error", "héllo there", "for no known reason (content_filter)"),
        ("uncounted", "stop", "héllo there", "does not count tokens"),
        ("cut", "stop", "héllo there", "a prompt of 60 tokens and an answer of 16 do not fit"),
        ("long", "error", "", "refused: "),
    ],
)
def test_how_an_answer_ended_and_what_is_no_measurement(
    opened, request_of, prompt, finish, text, void
):
    limit = {"max_tokens": 4} if prompt == "endless" else {}
    with opened() as engine:
        answer = engine.answer(request_of(prompt, **limit))
    assert (answer.finish_reason, answer.response) == (finish, text)
    assert (answer.void is None) == (void is None)
    assert (void or "") in (answer.void or "")


def test_cached_tokens_void_the_row(opened, request_of):
    with opened() as engine:
        assert (
            "4 prompt tokens came from a cache" in checked(engine.answer(request_of("cached"))).void
        )


@pytest.mark.parametrize(
    ("prompt", "words"),
    [("broken", "broke off"), ("failing", "out of memory"), ("sick", "503"), ("hang", "broke off")],
)
def test_a_server_that_fails_is_asked_once_more_and_then_the_row_is_void(
    opened, request_of, prompt, words
):
    with opened() as engine:
        stream = Stream(engine)
        answer = stream.ask(request_of(prompt))
    assert answer.void == ENGINE_ERROR
    assert words in stream.events[0]


def test_a_server_that_comes_back_is_asked_again(opened, request_of):
    with opened() as engine:
        assert Stream(engine).ask(request_of("once")).response == "héllo there"


def test_the_fingerprint_is_what_the_server_tells_and_no_time_or_address(opened, server):
    with opened() as first, opened(url=f"http://localhost:{server.server_port}/v1") as second:
        ids = [fingerprint_id(engine.fingerprint) for engine in (first, second)]
        told = first.fingerprint["server"]
    assert ids[0] == ids[1]
    assert told == {"model": {"id": "m", "max_model_len": 64, "owned_by": "us"}, "version": "1.2.3"}
    server.handler.version = ""
    with opened() as third:
        assert fingerprint_id(third.fingerprint) != ids[0]


def test_a_model_that_the_server_lacks_is_named_with_those_that_it_has(opened):
    with (
        pytest.raises(EngineDiedError, match="no model 'gone'; it has: m, other"),
        opened(model="gone"),
    ):
        pass


def test_no_server_is_said_in_words(opened):
    with (
        pytest.raises(EngineDiedError, match="does not answer"),
        opened(url="http://127.0.0.1:1/v1"),
    ):
        pass


def test_the_key_comes_from_the_environment_and_stands_in_no_fingerprint(
    opened, request_of, server, monkeypatch
):
    monkeypatch.delenv("FAKE_KEY", raising=False)
    with pytest.raises(UserError, match="the API key is missing"), opened(key_env="FAKE_KEY"):
        pass
    monkeypatch.setenv("FAKE_KEY", "s3cret")
    with opened(key_env="FAKE_KEY") as engine:
        engine.answer(request_of("hello"))
        assert "s3cret" not in json.dumps([engine.fingerprint, engine.measured])
    assert server.handler.asked[-1]["key"] == "Bearer s3cret"


def test_how_sure_a_token_was(opened, request_of):
    request = request_of("hello")
    with opened() as engine:
        found = [engine.margin(request, "response", place) for place in (0, 4, 5, 99)]
        assert engine.margin(request, "thinking", 0) is None
    assert found == [
        Margin("héllo", "hallo", 0.5), Margin("héllo", "hallo", 0.5),
        Margin(" there", " you", 2.0), None,
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["model", "seed", "max_tokens", "stream"])
def test_what_the_engine_states_itself_is_no_sampler_option(name):
    given = {**openai.EXAMPLES[0], "sampler": {"temperature": 0, name: 1}}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(given, openai.PARAMETERS)
