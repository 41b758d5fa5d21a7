#include "controller/manifest/yaml.h"

#include "controller/manifest/emit.h"

#include "test/support/catch.h"

using namespace chaos::manifest;

namespace {

std::string first_problem(const std::string& text) {
    for (const auto& document : load_yaml(text)) {
        for (const auto& problem : document.problems) return render("f", problem);
    }
    return "none";
}

std::string nested(int depth) {
    std::string text;
    for (int i = 0; i < depth; ++i) text += "[";
    for (int i = 0; i < depth; ++i) text += "]";
    return text;
}

}  // namespace

TEST_CASE("Documents of a file are independent of each other") {
    const auto documents = load_yaml("a: 1\n---\nb: [\n---\nc: 3\n");
    REQUIRE(documents.size() == 3);
    CHECK(documents[0].root.text_at("a") == "1");
    CHECK_FALSE(documents[1].ok());
    CHECK(documents[1].problems[0].mark.line >= 3);
    CHECK(documents[2].root.text_at("c") == "3");
    CHECK(documents[2].index == 2);
}

TEST_CASE("Empty documents are left out") {
    CHECK(load_yaml("").empty());
    CHECK(load_yaml("# only a comment\n---\n\n...\n").empty());
    CHECK(load_yaml("---\na: 1\n---\n").size() == 1);
}

TEST_CASE("Content may follow the document marker on its line") {
    const auto documents = load_yaml("--- {a: 1}\n--- # comment\nb: 2\n");
    REQUIRE(documents.size() == 2);
    CHECK(documents[0].root.text_at("a") == "1");
    CHECK(documents[1].root.text_at("b") == "2");
}

TEST_CASE("Marks count lines and columns from one, in the file") {
    const auto documents = load_yaml("x: 1\n---\nlist:\n  - name: one\n");
    REQUIRE(documents.size() == 2);
    const auto& name = documents[1].root.find("list")->items[0].items[0];
    CHECK(name.mark.line == 4);
    CHECK(name.mark.column == 11);
    CHECK(documents[1].root.keys[0].mark == Mark{3, 1});
}

TEST_CASE("Dangerous and ambiguous text is refused with its place") {
    const auto [text, expected] = GENERATE(table<std::string, std::string>({
        {"a: 1\na: 2\n", "f:2:1: duplicate key \"a\""},
        {"a: !!python/object x\n", "f:1:4: found the tag"},
        {"a: !include x\n", "f:1:4: found the tag"},
        {"? [a]\n: b\n", "f:1:3: found a list as a key"},
        {"a:\n\tb: 1\n", "f:2:"},
        {"a: \"x\nb: 1\n", "f:1:4: found a quoted text that never ends"},
        {"a: 'it''s\nb: 1\n", "f:1:4: found a quoted text that never ends"},
        {"a: [1,\n", "not YAML"},
        {std::string{"a: \xff\n"}, "f:1:4: found a byte that is not UTF-8 text"},
        {std::string{"a: b\0c\n", 7}, "f:1:5: found a byte that is not UTF-8 text"},
        {"a: &x [*x]\n", "contains it"},
    }));
    INFO(text);
    CHECK_THAT(first_problem(text), Catch::Contains(expected));
}

TEST_CASE("Nesting is bounded, however deep") {
    CHECK(first_problem(nested(60)) == "none");
    CHECK_THAT(first_problem(nested(65)), Catch::Contains("nested more than 64 levels"));
    CHECK_THAT(first_problem(nested(10000)), Catch::Contains("nested more than 64 levels"));
}

TEST_CASE("An alias bomb is stopped while it grows") {
    std::string text = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
    for (int i = 1; i < 10; ++i) {
        const auto last = "*a" + std::to_string(i - 1);
        text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
        for (int k = 0; k < 10; ++k) text += (k > 0 ? "," : "") + last;
        text += "]\n";
    }
    CHECK_THAT(first_problem(text), Catch::Contains("nodes once aliases are expanded"));
}

TEST_CASE("A small alias is a copy") {
    const auto documents = load_yaml("a: &x {k: v}\nb: *x\n");
    REQUIRE(documents.size() == 1);
    CHECK(documents[0].root.at("b", "k")->scalar == "v");
}

TEST_CASE("Quoted text may hold quotes and escapes") {
    const auto documents = load_yaml("a: \"é \\\" x\"\nb: 'it''s'\nc: \"\"\nd: ''\n");
    REQUIRE(documents.size() == 1);
    REQUIRE(documents[0].ok());
    CHECK(documents[0].root.text_at("a") == "é \" x");
    CHECK(documents[0].root.text_at("b") == "it's");
    CHECK(documents[0].root.text_at("c").empty());
}

TEST_CASE("A file over 1 MiB is refused unread") {
    CHECK_THAT(first_problem(std::string(2 * 1024 * 1024, 'a')),
               Catch::Contains("larger than 1 MiB"));
}

TEST_CASE("Canonical text does not depend on layout, order or quotes") {
    const auto a = load_yaml("x: {b: 1, a: [\"p\", q]}\n")[0].root;
    const auto b = load_yaml("# comment\nx:\n  a:\n  - p\n  - 'q'\n  b: 1\n")[0].root;
    CHECK(canonical_json(a) == canonical_json(b));
    CHECK(canonical_json(a) == R"({"x":{"a":["p","q"],"b":1}})");
}

TEST_CASE("What is emitted reads back as the same tree") {
    const auto text = GENERATE(values<std::string>({
        "a: 1\nb: [x, {c: d, e: []}, [1, [2, {f: null}]]]\ng: {}\n",
        "k: [{a: {b: [{c: 1}]}}, {d: 2}]\n",
        "s: [\"true\", 'no', \"1\", '', \" a\", \"a \", \"a: b\", \"a:\", \"- x\", \"#x\", \"a "
        "#b\"]\n",
        "t: [\"é\", \"line\\nbreak\", \"\\t\", \"\\\"\", \"'\", \"\\\\\", \"~\", \"@x\", \"%x\", "
        "\"!x\"]\n",
        "\"odd key: x\": 1\n\"\": 2\n",
        "n: [\"12e4567\", \"0x1F\", \"1_000\", \".5\", \"+1\", \"2026-11-24\", \"1 container\", "
        "NULL, \"Null\"]\n",
    }));
    INFO(text);
    const auto before = load_yaml(text).at(0);
    REQUIRE(before.ok());
    const auto emitted = emit_yaml(before.root);
    INFO(emitted);
    const auto after = load_yaml(emitted).at(0);
    REQUIRE(after.ok());
    CHECK(canonical_json(after.root) == canonical_json(before.root));
}

TEST_CASE("Emitted YAML is read alike by a YAML 1.1 reader") {
    CHECK(emit_yaml(text_node("yes")) == "\"yes\"\n");
    CHECK(emit_yaml(text_node("2026-11-24T08:00:00Z")) == "\"2026-11-24T08:00:00Z\"\n");
    CHECK(emit_yaml(text_node("1 container")) == "1 container\n");
    CHECK(emit_yaml(integer_node(5)) == "5\n");
    CHECK(emit_yaml(map_node()) == "{}\n");
}

TEST_CASE("What looks like indentation and is none is named") {
    const auto problem = [](const std::string& text) {
        return load_yaml(text).at(0).problems.at(0);
    };
    const auto tab = problem("a:\n  b: 1\n\tc: 2\n");
    CHECK_THAT(tab.message, Catch::Contains("tab"));
    CHECK(tab.mark == Mark{3, 1});
    CHECK_THAT(problem("a:\n\xC2\xA0 b: 1\n").message, Catch::Contains("non-breaking"));
    CHECK_THAT(problem("a: 1\n  b: 2\n").message, Catch::Contains("indented as those around"));
}

TEST_CASE("Nothing stands where its key stands") {
    const auto root = load_yaml("a:\n\n\nb: 1\n").at(0).root;
    CHECK(root.find("a")->mark == Mark{1, 1});
}

TEST_CASE("A number with a plus sign is that number") {
    CHECK(canonical_json(load_yaml("a: +5\nb: +1.5\n").at(0).root) == R"({"a":5,"b":1.5})");
    CHECK(canonical_json(load_yaml("a: +-5\n").at(0).root) == R"({"a":"+-5"})");
}
