#!/usr/bin/env python3
"""Stands in for the vllm program: answers --version and --help, serves /health, writes a result like the real client's.

Environment: FAKE_FAIL=start|load makes the server end at once, or the client end without a result.
"""

import http.server
import json
import os
import sys
import time
from pathlib import Path

SERVE_FLAGS = "--host --port --max-num-seqs --enable-prefix-caching --no-enable-prefix-caching --load-format"
BENCH_FLAGS = (
    "--backend --base-url --model --tokenizer --dataset-name --random-input-len --random-output-len "
    "--random-range-ratio --num-prompts --max-concurrency --request-rate --seed --ignore-eos --percentile-metrics "
    "--metric-percentiles --save-result --save-detailed --disable-tqdm --result-dir --result-filename --metadata "
    "--temperature"
)


class Health(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


def serve(words):
    if os.environ.get("FAKE_FAIL") == "start":
        print("ERROR: config.json has no architectures")
        sys.exit(1)
    print("GPU KV cache size: 12,345 tokens, Maximum concurrency for 2,048 tokens per request: 6.03x", flush=True)
    port = int(words[words.index("--port") + 1])
    http.server.HTTPServer(("127.0.0.1", port), Health).serve_forever()


def bench(words):
    given = {word: words[place + 1] if place + 1 < len(words) else "" for place, word in enumerate(words)}
    if os.environ.get("FAKE_FAIL") == "load":
        print("Error: connection refused")
        sys.exit(1)
    time.sleep(float(os.environ.get("FAKE_SECONDS", "0")))
    count = int(given["--num-prompts"])
    prompt, output = int(given["--random-input-len"]), int(given["--random-output-len"])
    at_once = given.get("--max-concurrency")
    metadata = dict(word.split("=", 1) for word in words[words.index("--metadata") + 1 :] if "=" in word)
    step = 0.01 * (1 + int(at_once or 1) / 100)
    result = {
        "date": "20261121-021641", "endpoint_type": "openai", "backend": "openai", "label": None,
        "model_id": given["--model"], "tokenizer_id": given["--model"], "num_prompts": count, **metadata,
        "request_rate": float(given["--request-rate"]) if "--request-rate" in given else "inf", "burstiness": 1.0,
        "max_concurrency": int(at_once) if at_once else None, "duration": 1.0, "completed": count, "failed": 0,
        "total_input_tokens": count * prompt, "total_output_tokens": count * output, "request_throughput": float(count),
        "output_throughput": float(count * output), "total_token_throughput": float(count * (output + prompt)),
        "input_lens": [prompt] * count, "output_lens": [output] * count, "ttfts": [0.05] * count,
        "itls": [[step] * (output - 1)] * count, "errors": [""] * count, "start_times": [0.0] * count,
        "mean_ttft_ms": 50.0, "median_ttft_ms": 50.0, "std_ttft_ms": 0.0, "p99_ttft_ms": 50.0,
        "mean_tpot_ms": 1000 * step * (output > 1), "median_tpot_ms": 1000 * step * (output > 1),
        "mean_e2el_ms": 50 + 1000 * step * (output - 1), "seed_used": given["--seed"],
    }  # fmt: skip
    (Path(given["--result-dir"]) / given["--result-filename"]).write_text(json.dumps(result))


def main(words):
    if words == ["--version"]:
        print("INFO noise first\n0.32.0")
    elif words[-1].startswith("--help"):
        print(SERVE_FLAGS if words[0] == "serve" else BENCH_FLAGS)
    elif words[0] == "serve":
        serve(words)
    else:
        bench(words)


if __name__ == "__main__":
    main(sys.argv[1:])
