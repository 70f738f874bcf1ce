"""Checks every #include "..." of src/ against src/rooms.txt: a room may include itself, the rooms
on its line, and what those re-export (+). Prints each violation; exit status 1 if there is one."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src"
INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.MULTILINE)


def read_rooms(text):
    """room -> list of (name, exported)."""
    rooms = {}
    for line in text.splitlines():
        if not re.match(r"[a-z]", line):
            continue
        name, _, rest = line.partition(":")
        rooms[name.strip()] = [(item.lstrip("+"), item.startswith("+")) for item in rest.split()]
    return rooms


def visible(rooms, room):
    """The rooms whose headers `room` sees: itself, its direct ones and what they export."""
    seen = {room} | {name for name, _ in rooms[room]}
    queue = [name for name, _ in rooms[room]]
    while queue:
        for name, exported in rooms.get(queue.pop(), []):
            if exported and name not in seen:
                seen.add(name)
                queue.append(name)
    return seen


def room_of(rooms, path):
    """The room that a path like devices/cpu/lower/step.h lies in (the longest matching name)."""
    parts = path.split("/")
    for length in range(len(parts) - 1, 0, -1):
        name = "/".join(parts[:length])
        if name in rooms:
            return name
    return None


def violations(rooms):
    for path in sorted(SOURCE.rglob("*")):
        if path.suffix not in (".h", ".cc"):
            continue
        inside = path.relative_to(SOURCE).as_posix()
        room = room_of(rooms, inside)
        if room is None:
            yield f"src/{inside}: lies in no room of src/rooms.txt"
            continue
        allowed = visible(rooms, room)
        for included in INCLUDE.findall(path.read_text(encoding="utf-8")):
            target = "include" if included.startswith("tenwatt/") else room_of(rooms, included)
            if target is None and (SOURCE / included).exists():
                target = included.split("/")[0]
            if target is not None and target not in allowed:
                yield f"src/{inside}: {room} may not include {included}"


def main():
    found = list(violations(read_rooms((SOURCE / "rooms.txt").read_text(encoding="utf-8"))))
    for line in found:
        print("error:", line, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
