// SPDX-License-Identifier: BSL-1.0
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>
#include <stdexcept>

#include "output_file.hpp"
#include "takt/error.hpp"
#include "takt/testing.hpp"

namespace takt::testing {
namespace {

using nlohmann::json;

constexpr int calls_version = 1;

bool updating() {
  const char* const value = std::getenv("TAKT_UPDATE_GOLDEN");
  return value != nullptr && *value != '\0' && std::strcmp(value, "0") != 0;
}

void require_present(const std::filesystem::path& file) {
  std::error_code ignored;
  if (std::filesystem::exists(file, ignored)) return;
  throw TraceError(file.string() +
                   " is missing; run the test once with TAKT_UPDATE_GOLDEN=1 in its environment, "
                   "which writes it, and look at it before you commit it");
}

/// Whole, or not at all.
void write(const std::filesystem::path& file, const std::string& text) {
  try {
    detail::OutputFile out{file};
    out.stream().write(text.data(), static_cast<std::streamsize>(text.size()));
    out.stream().flush();
    if (!out.stream()) {
      throw std::runtime_error(out.name() + " can't be written; the disk may be full");
    }
    out.take_name();
  } catch (const std::runtime_error& error) {
    throw TraceError(error.what());
  }
}

// ---- Calls as text ------------------------------------------------------------------------------

std::string text_of(const Calls& calls) {
  std::string text = json{{"takt_calls", calls_version}}.dump() + '\n';
  for (const Call& call : calls) {
    // In the order in which people read them.
    nlohmann::ordered_json line;
    line["step"] = call.step;
    line["batch"] = call.batch;
    line["at"] = to_string(call.at);
    line["modifier"] = call.modifier;
    line["hook"] = to_string(call.hook);
    if (call.error) line["error"] = *call.error;
    text += line.dump();
    text += '\n';
  }
  return text;
}

/// What is wrong with a line; the reader says where.
struct LineError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

json object_in(const std::string& line) {
  json value;
  try {
    value = json::parse(line);
  } catch (const json::parse_error& error) {
    throw LineError("is no valid JSON from column " + std::to_string(error.byte) + " on");
  } catch (const json::exception&) {
    throw LineError("has a number that is too large");
  }
  if (!value.is_object()) throw LineError("is no JSON object");
  return value;
}

LineError wrong(const char* key, const char* right) {
  return LineError{std::string{"has no \""} + key + "\" that is " + right};
}

std::string text_in(const json& line, const char* key) {
  const auto found = line.find(key);
  if (found == line.end() || !found->is_string()) throw wrong(key, "a text");
  return found->get<std::string>();
}

std::int64_t counter_in(const json& line, const char* key) {
  const auto found = line.find(key);
  constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  // What JSON has without a sign is read as unsigned.
  if (found == line.end() || !found->is_number_unsigned() || found->get<std::uint64_t>() > most) {
    throw wrong(key, "a whole number from 0 on");
  }
  return found->get<std::int64_t>();
}

BusCall bus_call_in(const json& line) {
  const std::string name = text_in(line, "at");
  for (std::size_t i = 0; i < bus_call_count; ++i) {
    const auto call = static_cast<BusCall>(i);
    if (to_string(call) == name) return call;
  }
  throw wrong("at", "a call on the bus, such as batch_start");
}

Call call_in(const json& line) {
  const auto hook = hook_from_string(text_in(line, "hook"));
  if (!hook) throw wrong("hook", "a hook, such as on_update");
  Call call{.modifier = text_in(line, "modifier"),
            .hook = *hook,
            .at = bus_call_in(line),
            .step = counter_in(line, "step"),
            .batch = counter_in(line, "batch")};
  if (line.contains("error")) call.error = text_in(line, "error");
  return call;
}

void require_header(const json& line) {
  const auto version = line.find("takt_calls");
  if (version == line.end()) {
    throw LineError("is no beginning of a file of calls, which is {\"takt_calls\":1}");
  }
  if (*version != calls_version) {
    throw LineError("is of another version; this takt reads version " +
                    std::to_string(calls_version));
  }
}

Calls read(const std::filesystem::path& file) {
  require_present(file);
  errno = 0;
  std::ifstream in{file, std::ios::binary};
  Calls calls;
  std::int64_t number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    try {
      const json object = object_in(line);
      number == 1 ? require_header(object) : calls.push_back(call_in(object));
    } catch (const LineError& error) {
      throw TraceError(file.string() + ":" + std::to_string(number) + ": " + error.what());
    }
  }
  if (!in.eof()) {
    throw TraceError(file.string() +
                     " can't be read: " + (errno != 0 ? std::strerror(errno) : "it is no file"));
  }
  if (number == 0) {
    throw TraceError(file.string() +
                     ":1: is empty; a file of calls begins with {\"takt_calls\":1}");
  }
  return calls;
}

}  // namespace

Calls golden(const std::filesystem::path& file, const Calls& calls) {
  if (updating()) {
    try {
      write(file, text_of(calls));
    } catch (const json::exception&) {
      throw TraceError(file.string() +
                       " can't be written: a modifier's name or an error has bytes that are not "
                       "UTF-8");
    }
  }
  return read(file);
}

Trace golden(const std::filesystem::path& file, const Trace& trace) {
  if (updating()) {
    std::ostringstream text;
    write_trace(trace, text, false);
    write(file, text.str());
  }
  require_present(file);
  return read_trace(file);
}

}  // namespace takt::testing
