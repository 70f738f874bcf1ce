// All of the public API. A program that uses one part may include that part's header alone.
//
// Rules that hold throughout:
// - Failure is a value (result.h, docs/errors.md). Nothing here throws but std::bad_alloc, and
//   nothing that a file or a caller gives ends the process.
// - open() and create() give shared objects that keep what they are made of alive: a Chat its
// Model,
//   a Model its Runtime. Nothing has to be closed in an order. A pointer that is passed in must not
//   be null, but for a CancelFlag.
// - What is called "shared and thread-safe" may be used from any number of threads at once; calls
//   take turns on the runtime's threads. The rest belongs to one thread at a time.
// - Callbacks run on the caller's thread, inside the call. They must not throw, and must not call
//   the object that calls them.
// - A CancelFlag that becomes true ends a call within a few milliseconds, from any thread or a
//   signal handler. It must outlive the call.
// - A name_or_path is a catalogue name ("whisper-base"; store.h lists and pulls them) or a path.
#pragma once

#include "tenwatt/array.h"
#include "tenwatt/assistant.h"
#include "tenwatt/bench.h"
#include "tenwatt/doctor.h"
#include "tenwatt/log.h"
#include "tenwatt/model.h"
#include "tenwatt/network.h"
#include "tenwatt/recognizer.h"
#include "tenwatt/result.h"
#include "tenwatt/runtime.h"
#include "tenwatt/store.h"
#include "tenwatt/version.h"
#include "tenwatt/voice.h"
