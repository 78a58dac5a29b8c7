"""A fake of the wheel `xllamacpp`: no model, but a server that misbehaves where it is told to.

The prompt's first word names what the answer is to do, the weights' first word what the start
is to do; see `Handler.completion` and `Server`. What it was asked it tells on standard error.
"""

import json
import os
import signal
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

__version__ = "fake-1"

llama_flash_attn_type = SimpleNamespace(
    LLAMA_FLASH_ATTN_TYPE_ENABLED=1, LLAMA_FLASH_ATTN_TYPE_DISABLED=0
)
ggml_type = SimpleNamespace(GGML_TYPE_F16=1, GGML_TYPE_F32=0, GGML_TYPE_Q8_0=8)
TEMPLATE = "user: {{ content }}"


def say(text):
    print(text, file=sys.stderr, flush=True)


class CommonParams:
    """Takes any attribute, as the real one takes its own."""

    def __init__(self):
        self.model = SimpleNamespace(path="")
        self.cpuparams = SimpleNamespace(n_threads=-1)
        self.cpuparams_batch = SimpleNamespace(n_threads=-1)
        self.sampling = SimpleNamespace(top_k=40)
        self.hostnames = [os.uname().nodename]


def get_system_info():
    return "CPU : FAKE = 1 | "


def get_device_info():
    return [{"name": "CPU", "description": "a fake processor"}]


class Server:
    """Listens on loopback; the first word of the weights says how its start goes."""

    def __init__(self, params):
        word = Path(params.model.path).read_text().split()[0]
        if word == "hang":
            time.sleep(3600)
        if word == "slow":
            time.sleep(1)
        if word in ("die", "oom"):
            say("fake: these are no weights" if word == "die" else "fake: out of memory")
            os._exit(3)
        if word == "spilled":
            say(f"load_tensors: offloaded {min(6, params.n_gpu_layers)}/9 layers to GPU")
        if word == "dated":
            params.chat_template = TEMPLATE + " {{ strftime_now('%d') }}"
        handler = type("Bound", (Handler,), {"params": params, "words": word})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.listening_address = f"http://127.0.0.1:{self.server.server_port}"


def likely(number):
    """What the server says of a token: the second one is the less sure the later it comes."""
    pairs = [(f"w{number} ", -0.25), (f"v{number} ", -0.5 - number)]
    told = [{"token": token, "logprob": logprob} for token, logprob in pairs]
    return {**told[0], "top_logprobs": told}


class Handler(BaseHTTPRequestHandler):
    """The four addresses of llama.cpp's server that the engine uses."""

    params = None

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.reply(
            {
                "default_generation_settings": {"n_ctx": self.params.n_ctx},
                "chat_template": self.params.chat_template or TEMPLATE,
            }
        )

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/apply-template":
            self.reply({"prompt": "user: " + body["messages"][0]["content"]})
        elif self.path == "/tokenize":
            self.reply({"tokens": list(range(len(body["content"].split())))})
        else:
            say("begin")
            self.completion(body, body["prompt"].split()[1])
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

    def completion(self, body, word):
        if word == "refused":
            self.reply({"error": "no"}, 400)
            return
        self.send_response(200)
        self.end_headers()
        if word == "dead" or (word == "mortal" and self.first_time()):
            self.event(content="half an ans", tokens=[1], stop=False)
            os.kill(os.getpid(), signal.SIGKILL)
        if word == "broken":
            self.event(content="half an ans", tokens=[1], stop=False)
            return
        while word in ("silent", "pinging"):
            time.sleep(0.1)
            if word == "pinging":
                self.wfile.write(b": ping\n\n")
                self.wfile.flush()
        if word == "echo":
            text = body["prompt"].split(" ", 2)[2]
            for number, character in enumerate(text):
                self.event(content=character, tokens=[number], stop=False)
            self.event(**self.last(body, word, len(text)))
            return
        said = {"empty": 0, "endless": body["n_predict"]}.get(word, 3)
        for number in range(said):
            told = {"completion_probabilities": [likely(number)]} if body["n_probs"] else {}
            self.event(content=f"w{number} ", tokens=[number], stop=False, **told)
        self.event(**self.last(body, word, said))

    def first_time(self):
        mark = Path(self.params.model.path).with_name("died already")
        if mark.exists():
            return False
        mark.touch()
        return True

    def last(self, body, word, said):
        read = len(body["prompt"].split())
        used = {key: body[key] for key in body if key not in ("prompt", "stream")}
        if word == "resampled":
            used["top_k"] = 40
        stop = {"endless": "limit", "strange": "none"}.get(word, "eos")
        return {
            "content": "", "stop": True, "stop_type": stop, "truncated": word == "shifted",
            "tokens_evaluated": read - (word == "shortened"), "tokens_predicted": said,
            "generation_settings": used,
            "timings": {"cache_n": 5 * (word == "cached"), "prompt_ms": 1.5, "predicted_ms": 2.5},
        }  # fmt: skip
