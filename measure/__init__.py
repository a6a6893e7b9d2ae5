"""Measurements made here: a vLLM server started and loaded with vLLM's own benchmark, its files kept for the importers.

binary.py   the user's own `vllm`, its version and the flags that it has (vLLM itself is never imported)
guard.py    a small parent of each started program: when we end, however we end, the program ends
server.py   a server started and waited for, or a running one
serverlog.py what the server's log says of its memory
points.py   what is to be measured: one load a point
load.py     `vllm bench serve` for one point
session.py  all points of a measurement in a folder, one file each: interrupted, resumed, joined  <- START HERE
"""
