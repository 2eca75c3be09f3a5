"""Stack traces of Python and JavaScript become frames; libraries are folded; other text stays as it is."""

from __future__ import annotations

from webapp.domain.stack_trace import read_stack

PYTHON = """Traceback (most recent call last):
  File "/srv/app/flows/triage.py", line 12, in run
    answer = ask(
             ~~~^
  File "/venv/lib/python3.11/site-packages/httpx/_client.py", line 99, in post
    return self.send()
  File "/usr/lib/python3.11/socket.py", line 1, in connect
ConnectionError: refused

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/srv/app/main.py", line 3, in <module>
RuntimeError: no answer
"""
JAVASCRIPT = """APICallError: Rate limit
    at lookup (file:///app/src/tools.js:10:7)
    at async Promise.all (index 0)
    at async /app/src/run.ts:22:3
    at postToApi (/app/node_modules/@ai-sdk/provider/dist/index.js:5:1)
    at process.processTicksAndRejections (node:internal/process/task_queues:95:5)
    at new Promise (<anonymous>)
"""


def test_python_frames_with_code_and_folded_libraries():
    parts = read_stack(PYTHON)
    assert [part.kind for part in parts] == ["text", "app", "library", "text", "app", "text"]
    frame = parts[1].frames[0]
    assert (frame.short_file, frame.line, frame.name, frame.code) == (
        "app/flows/triage.py", "12", "run", ["answer = ask("],
    )  # fmt: skip
    assert [f.short_file for f in parts[2].frames] == ["httpx/_client.py", "socket.py"]
    assert "During handling" in parts[3].text and parts[5].text.strip() == "RuntimeError: no answer"


def test_javascript_frames():
    parts = read_stack(JAVASCRIPT)
    apps = [(f.short_file, f.line, f.name) for part in parts if part.kind == "app" for f in part.frames]
    assert apps == [("app/src/tools.js", "10", "lookup"), ("app/src/run.ts", "22", "")]
    libraries = [f.short_file for part in parts if part.kind == "library" for f in part.frames]
    assert libraries[0] == "@ai-sdk/provider/dist/index.js" and len(libraries) == 3


def test_what_is_no_stack_stays_text():
    (part,) = read_stack("Exit code 137\n<b>killed</b>")
    assert part.kind == "text" and part.text == "Exit code 137\n<b>killed</b>"
    assert read_stack("") == []


def test_hostile_stacks_are_read_in_linear_time():
    import time

    begin = time.perf_counter()
    read_stack(("    at " + "a(" * 2_000 + "\n") * 50 + "File " + '"' * 50_000)
    assert time.perf_counter() - begin < 2
