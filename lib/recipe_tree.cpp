// SPDX-License-Identifier: BSL-1.0
#include "recipe_tree.hpp"

#include <yaml-cpp/anchor.h>
#include <yaml-cpp/emitterstyle.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <istream>
#include <limits>
#include <optional>
#include <streambuf>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "recipe_failure.hpp"
#include "recipe_text.hpp"

namespace takt::detail {
namespace {

constexpr std::string_view standard_tag = "tag:yaml.org,2002:";

Mark mark_of(const YAML::Mark& mark) { return {mark.line + 1, mark.column + 1}; }

bool is_one_of(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::ranges::find(words, text) != words.end();
}

/// A number of YAML's core schema (1.2, section 10.3.2), decimal.
std::optional<double> as_number(std::string_view text) {
  if (is_one_of(text, {".nan", ".NaN", ".NAN"})) return std::numeric_limits<double>::quiet_NaN();
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  double number = 0.0;
  if (is_one_of(text, {".inf", ".Inf", ".INF"})) {
    number = std::numeric_limits<double>::infinity();
  } else {
    // Neither a second sign nor the words "inf" and "nan", which from_chars would take.
    const bool digits =
        !text.empty() && text.find_first_not_of("0123456789.eE+-") == std::string_view::npos;
    if (!digits || is_one_of(text.substr(0, 1), {"+", "-", "e", "E"})) return std::nullopt;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, number);
    if (stop != end || error == std::errc::invalid_argument) return std::nullopt;
    // Too large or too small for a double: written all the same, and so it is a number.
    if (error == std::errc::result_out_of_range) {
      const std::size_t exponent = text.find_first_of("eE");
      const bool tiny = exponent == std::string_view::npos
                            ? text.starts_with("0.") || text.starts_with('.')
                            : text.substr(exponent + 1).starts_with('-');
      number = tiny ? 0.0 : std::numeric_limits<double>::infinity();
    }
  }
  return negative ? -number : number;
}

SettingValue plain_scalar(const std::string& text) {
  if (is_one_of(text, {"", "~", "null", "Null", "NULL", "None"})) return {};
  if (is_one_of(text, {"true", "True", "TRUE"})) return true;
  if (is_one_of(text, {"false", "False", "FALSE"})) return false;
  if (const auto number = as_number(text)) return *number;
  return text;
}

/// Reads from memory, without a copy of the text. After a text that ends with a line end comes an
/// empty comment, for yaml-cpp takes a quote that is still open after a last line end as closed.
class TextBuffer final : public std::streambuf {
 public:
  explicit TextBuffer(std::string_view text)
      : has_comment_{text.ends_with('\n') || text.ends_with('\r')} {
    char* const begin = const_cast<char*>(text.data());  // NOLINT: only read
    setg(begin, begin, begin + text.size());
  }

 protected:
  int_type underflow() override {
    if (!has_comment_) return traits_type::eof();
    has_comment_ = false;
    setg(&comment_, &comment_, &comment_ + 1);
    return traits_type::to_int_type(comment_);
  }

 private:
  bool has_comment_;
  char comment_ = '#';
};

/// Builds the tree as the parser goes along, and stops it when there is too much of it.
class TreeBuilder final : public YAML::EventHandler {
 public:
  explicit TreeBuilder(const std::string& source) : source_{source} {}

  [[nodiscard]] bool done() const noexcept { return documents_ > 0; }
  [[nodiscard]] SettingValue take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ > 1) {
      fail_recipe(source_, mark_of(mark), "a second document begins; a recipe is one document");
    }
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    finish({}, mark_of_nothing(mark_of(mark)), "", anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) {
      fail_recipe(source_, mark_of(mark), "an alias stands inside what it repeats");
    }
    count(found->second, mark_of(mark));
    if (open_.size() + size_of(found->second).levels > most_levels) fail_too_deep(mark_of(mark));
    SettingValue value = found->second;
    value.mark = mark_of(mark);
    put(std::move(value));
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override {
    require_unicode(text, mark_of(mark));
    const bool quoted = tag == "!" || tag == std::string{standard_tag} + "str";
    finish(quoted ? SettingValue{text} : plain_scalar(text), mark_of(mark), tag, anchor);
    if (!open_.empty() && open_.back().wants_value) open_.back().key.key = text;
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open({.value = SettingValue::List{}, .tag = tag, .anchor = anchor}, mark_of(mark));
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value style) override {
    open({.value = SettingValue::Map{},
          .tag = tag,
          .anchor = anchor,
          .flow = style == YAML::EmitterStyle::Flow},
         mark_of(mark));
  }
  void OnMapEnd() override { close(); }

 private:
  /// A list or map that is not complete.
  struct Open {
    SettingValue value{};
    std::string tag{};
    YAML::anchor_t anchor = YAML::NullAnchor;
    bool flow = false;
    bool wants_value = false;  // of a map: `key` is known, its value is next
    bool braces = false;       // of a map: its key was `{text}`
    SettingEntry key{};
    std::unordered_set<std::string> names{};  // of a map, so that none comes twice
    std::optional<SettingValue> merged{};     // of a map: what `<<` brings
  };

  /// A value that is left out is where its name is: yaml-cpp has it where the next thing is.
  [[nodiscard]] Mark mark_of_nothing(Mark mark) const {
    if (open_.empty() || !open_.back().wants_value) return mark;
    const Mark name = open_.back().key.mark;
    return name.line == mark.line ? mark : name;
  }

  void require_unicode(const std::string& text, Mark mark) const {
    if (is_unicode(text)) return;
    fail_recipe(source_, mark,
                "has bytes or codes that are no characters; save the recipe as UTF-8 text");
  }

  void count(std::size_t more, Mark mark) {
    values_ += more;
    if (values_ <= most_values) return;
    fail_recipe(source_, mark,
                "there are too many values, those that aliases repeat counted; a recipe has at "
                "most " +
                    std::to_string(most_values));
  }

  /// One that is there once more.
  void count(const SettingValue& value, Mark mark) {
    const ValueSize size = size_of(value);
    count(size.values, mark);
    repeated_ += size.characters;
    if (repeated_ <= longest_recipe) return;
    fail_recipe(source_, mark,
                "aliases repeat too much text; a recipe has at most " +
                    std::to_string(longest_recipe) + " bytes of it");
  }

  [[noreturn]] void fail_too_deep(Mark mark) const {
    fail_recipe(
        source_, mark,
        "is nested too deep; a recipe has at most " + std::to_string(most_levels) + " levels");
  }

  void open(Open opened, Mark mark) {
    if (open_.size() >= most_levels) fail_too_deep(mark);
    opened.value.mark = mark;
    open_.push_back(std::move(opened));
  }

  void close() {
    Open closed = std::move(open_.back());
    open_.pop_back();
    auto* const map = closed.value.get_if<SettingValue::Map>();
    if (map != nullptr && closed.braces) {
      if (!closed.flow || map->size() != 1 || !map->front().value.is_nothing()) {
        fail_recipe(source_, closed.value.mark, "a map is no name; names are text");
      }
      finish(map->front().key, closed.value.mark, closed.tag, closed.anchor);
      return;
    }
    if (map != nullptr && closed.merged) {
      for (const SettingEntry& entry : *closed.merged->get_if<SettingValue::Map>()) {
        if (closed.names.insert(entry.key).second) map->push_back(entry);
      }
    }
    const Mark mark = closed.value.mark;
    finish(std::move(closed.value), mark, closed.tag, closed.anchor);
  }

  void finish(SettingValue value, Mark mark, const std::string& tag, YAML::anchor_t anchor) {
    count(1, mark);
    value.mark = mark;
    const bool named = tag.size() > 1 && tag.front() == '!';
    if (named) {
      require_unicode(tag, mark);
      std::string name = tag.substr(1);
      if (name.ends_with(':')) name.pop_back();
      SettingValue tagged{SettingValue::Map{{std::move(name), std::move(value), mark}}};
      tagged.mark = mark;
      value = std::move(tagged);
      count(1, mark);
    }
    if (anchor != YAML::NullAnchor) {
      count(value, mark);
      anchors_.insert_or_assign(anchor, value);
    }
    put(std::move(value));
  }

  void put(SettingValue value) {
    if (open_.empty()) {
      root_ = std::move(value);
      return;
    }
    Open& parent = open_.back();
    if (auto* const list = parent.value.get_if<SettingValue::List>()) {
      list->push_back(std::move(value));
    } else if (parent.wants_value) {
      put_entry(parent, std::move(value));
    } else {
      put_key(parent, value);
    }
  }

  void put_key(Open& parent, const SettingValue& value) {
    parent.wants_value = true;
    parent.key = {.mark = value.mark};
    if (const auto* const map = value.get_if<SettingValue::Map>()) {
      if (map->size() != 1 || !map->front().value.is_nothing()) {
        fail_recipe(source_, value.mark, "a map is no name; names are text");
      }
      parent.braces = true;
      parent.key.key = "{{" + map->front().key + "}}";
    } else if (value.get_if<SettingValue::List>() != nullptr) {
      fail_recipe(source_, value.mark, "a list is no name; names are text");
    } else if (const auto* const text = value.get_if<std::string>()) {
      parent.key.key = *text;
    } else if (!value.is_nothing()) {
      parent.key.key = to_string(value);
    }
  }

  void put_entry(Open& parent, SettingValue value) {
    parent.wants_value = false;
    if (parent.key.key.size() > longest_name) {
      fail_recipe(source_, parent.key.mark,
                  "the name " + to_string(SettingValue{parent.key.key}) +
                      " is too long; it has at most " + std::to_string(longest_name) + " bytes");
    }
    if (parent.key.key == "<<") {
      if (parent.merged || value.get_if<SettingValue::Map>() == nullptr) {
        fail_recipe(source_, parent.key.mark, "<< brings in one map, once");
      }
      parent.merged = std::move(value);
      return;
    }
    if (!parent.names.insert(parent.key.key).second) {
      fail_recipe(source_, parent.key.mark,
                  to_string(SettingValue{parent.key.key}) +
                      " is given twice; in a list, which starts each item with a dash, a class can "
                      "stand twice");
    }
    parent.key.value = std::move(value);
    parent.value.get_if<SettingValue::Map>()->push_back(std::move(parent.key));
  }

  const std::string& source_;
  std::vector<Open> open_;
  std::unordered_map<YAML::anchor_t, SettingValue> anchors_;
  std::size_t values_ = 0;
  std::size_t repeated_ = 0;  // characters, by aliases
  int documents_ = 0;
  SettingValue root_;
};

}  // namespace

ValueSize size_of(const SettingValue& value) {
  ValueSize size{.values = 1};
  const auto add = [&size](const SettingValue& each) {
    const ValueSize inside = size_of(each);
    size.values += inside.values;
    size.characters += inside.characters;
    size.levels = std::max(size.levels, inside.levels + 1);
  };
  if (const auto* const text = value.get_if<std::string>()) {
    size.characters = text->size();
  } else if (const auto* const list = value.get_if<SettingValue::List>()) {
    size.levels = 1;
    for (const SettingValue& each : *list) add(each);
  } else if (const auto* const map = value.get_if<SettingValue::Map>()) {
    size.levels = 1;
    for (const SettingEntry& each : *map) {
      size.characters += each.key.size();
      add(each.value);
    }
  }
  return size;
}

SettingValue recipe_tree(std::string_view text, const std::string& source) {
  TextBuffer buffer{text};
  std::istream stream{&buffer};
  TreeBuilder builder{source};
  try {
    YAML::Parser parser{stream};
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const YAML::Exception& error) {
    fail_recipe(source, mark_of(error.mark), "can't be read as YAML: " + error.msg);
  }
  if (!builder.done()) {
    fail_recipe(source, {1, 1},
                "is empty; a recipe lists modifiers, as <name>_stage > "
                "<group>_modifiers > class > settings");
  }
  return builder.take();
}

}  // namespace takt::detail
