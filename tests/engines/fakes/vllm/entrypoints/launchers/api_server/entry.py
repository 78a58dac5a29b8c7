"""Part of a fake: the API server's five addresses that the engine uses."""

import json
import os
import signal
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from vllm import ARGUMENTS, MODEL, WORD
from vllm.utils import cpu_resource_utils

VOCABULARY = []


def say(text):
    print(text, file=sys.stderr, flush=True)


def main():
    if cpu_resource_utils._get_cpu_list() != [] or cpu_resource_utils.get_memory_affinity() != [0]:
        say("fake: there are no processors")
        os._exit(3)
    if WORD == "slow":
        time.sleep(1)
    if WORD in ("die", "oom"):
        say("fake: these are no weights" if WORD == "die" else "fake: out of memory")
        os._exit(3)
    ThreadingHTTPServer((ARGUMENTS["--host"], int(ARGUMENTS["--port"])), Handler).serve_forever()


def token(word):
    if word not in VOCABULARY:
        VOCABULARY.append(word)
    return VOCABULARY.index(word)


def text_of(tokens):
    return " ".join(VOCABULARY[one] for one in tokens)


def likely(number):
    """What the server says of a token: the second one is the less sure the later it comes."""
    pairs = {f"v{number} ": -0.5 - number, f"w{number} ": -0.25}
    return {"tokens": [f"w{number} "], "token_logprobs": [-0.25], "top_logprobs": [pairs]}


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        context = int(ARGUMENTS["--max-model-len"])
        self.reply({"data": [{"id": "model", "max_model_len": context}]})

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/tokenize":
            said = "user: " + body["messages"][0]["content"]
            said += " <think>" if body["chat_template_kwargs"].get("think") else ""
            self.reply({"tokens": [token(word) for word in said.split(" ")]})
        elif self.path == "/detokenize":
            self.reply({"prompt": text_of(body["tokens"])})
        else:
            say("begin")
            self.completion(body, text_of(body["prompt"]).split(" ")[1:])
            say("end")

    def reply(self, value, status=200):
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def event(self, **fields):
        self.wfile.write(b"data: " + json.dumps(fields).encode() + b"\n\n")
        self.wfile.flush()

    def said(self, text, number=None, **fields):
        told = {"token_ids": [] if number is None else [number], **fields}
        self.event(choices=[{"index": 0, "text": text, **told}])

    def completion(self, body, words):
        word = words[0]
        if word == "refused":
            self.reply({"error": {"message": "no"}}, 400)
            return
        self.send_response(200)
        self.end_headers()
        if word == "dead" or (word == "mortal" and self.first_time()):
            self.said("half an ans", 1)
            os.kill(os.getpid(), signal.SIGKILL)
        if word == "broken":
            self.said("half an ans", 1)
            return
        if word == "failing":
            self.event(error={"message": "the fake failed"})
            return
        while word == "silent":
            time.sleep(0.1)
        pieces = self.pieces(word, words, body["max_tokens"])
        for number, piece in enumerate(pieces):
            told = {"logprobs": likely(number)} if body["logprobs"] else {}
            self.said(piece, number, **told)
        self.last(body, word, len(pieces))

    def pieces(self, word, words, most):
        if word == "echo":
            return list(" ".join(words[1:]))
        if word == "thinks":
            return ["hm", "</think>", "yes"]
        return [f"w{number} " for number in range({"empty": 0, "endless": most}.get(word, 3))]

    def first_time(self):
        mark = MODEL.with_name("died already")
        if mark.exists():
            return False
        mark.touch()
        return True

    def last(self, body, word, count):
        reason = {"endless": "length", "strange": "none"}.get(word, "stop")
        self.said("", finish_reason=reason)
        usage = {
            "prompt_tokens": len(body["prompt"]) - (word == "shortened"),
            "completion_tokens": count,
            "prompt_tokens_details": {"cached_tokens": 5 * (word == "cached")},
        }
        metrics = {"time_to_first_token_ms": 1.5, "generation_time_ms": 2.5}
        self.event(choices=[], usage=usage, metrics=metrics)
        self.wfile.write(b"data: [DONE]\n\n")
