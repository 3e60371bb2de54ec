import RoostContract

/// What values mean to a filter: numbers by their decimal value, texts by their bytes, objects and
/// arrays as JSON, and the text that an order sees of each.
enum FilterValueLaws {
  static let all: [Law] = numbers + structures + texts + numericTexts + printedTexts + indices

  private static func json(_ text: String) throws -> Value { try Value(json: text) }

  // MARK: Numbers

  private static let numbers: [Law] = [
    Law("filter-number-spellings", "a number is found by its value, however it is written") {
      let spellings = ["10", "10.0", "10.00", "1e1", "1E+1", "100e-1", "0.1e2"]
      let collection = try await $0.anyCollection()
      try await collection.insert(
        spellings.map { Record(id: $0, vector: [1, 0], metadata: ["v": try json($0)]) }
          + [Record(id: "other", vector: [1, 0], metadata: ["v": try json("10.01")])])
      for spelling in spellings {
        try await $0.expect(
          "eq \(spelling)", in: collection, where: .eq("v", try json(spelling)), finds: spellings)
      }
    },
    Law("filter-number-fraction", "1.50 is 1.5, and neither is its text") {
      let collection = try await $0.shelf([
        "long": try json("1.50"), "short": 1.5, "text": "1.5", "long-text": "1.50",
      ])
      try await $0.expect("eq 1.5", in: collection, where: .eq("v", 1.5), finds: ["long", "short"])
      try await $0.expect(
        "eq 1.50", in: collection, where: .eq("v", try json("1.50")), finds: ["long", "short"])
      try await $0.expect(
        "eq \"1.50\"", in: collection, where: .eq("v", "1.50"), finds: ["long-text"])
    },
    Law("filter-number-zero", "zero has no sign") {
      let collection = try await $0.shelf([
        "zero": 0, "minus": .double(-0.0), "places": try json("0.00"), "exponent": try json("-0e5"),
      ])
      for zero: Value in [0, .double(0), .double(-0.0), try json("-0.0")] {
        try await $0.expect(
          "eq \(zero)", in: collection, where: .eq("v", zero),
          finds: ["zero", "minus", "places", "exponent"])
      }
      try await $0.expect("lt 0", in: collection, where: .lt("v", 0), finds: [])
    },
    exact(
      "filter-number-int64", "whole numbers of 64 bits are found exactly",
      [
        "9223372036854775807", "9223372036854775806", "-9223372036854775808",
        "-9223372036854775807", "9007199254740993", "9007199254740992", "9007199254740991",
      ]),
    exact(
      "filter-number-past-int64", "whole numbers past 64 bits are found exactly",
      [
        "9223372036854775808", "9223372036854775809", "18446744073709551615",
        "18446744073709551616", "-9223372036854775809",
        "1234567890123456789012345678901234567890", "1234567890123456789012345678901234567891",
      ]),
    exact(
      "filter-number-decimals", "decimals of forty digits are found exactly",
      [
        "0.1000000000000000055511151231257827021182", "0.1",
        "3.141592653589793238462643383279502884197", "3.141592653589793238462643383279502884198",
        "12345678901234567890.12345678901234567890", "12345678901234567890.12345678901234567891",
      ]),
    exact(
      "filter-number-range", "numbers past the range of a double are found exactly",
      ["1e400", "2e400", "-1e400", "1e-400", "2e-400", "0"]),
    Law("filter-number-in", "in finds numbers by their value, too") {
      let collection = try await $0.shelf(["int": 7, "double": 7.0, "text": "7", "big": 8])
      try await $0.expect(
        "in 7.00", in: collection, where: .in("v", [try json("7.00")]), finds: ["int", "double"])
    },
    Law("filter-number-order-doubles", "an order sees numbers as doubles, near ones as one") {
      let collection = try await $0.shelf([
        "a": 9_007_199_254_740_992, "b": 9_007_199_254_740_993, "c": 9_007_199_254_740_994,
      ])
      try await $0.expect(
        "gt 2^53", in: collection, where: .gt("v", 9_007_199_254_740_992), finds: ["c"])
      try await $0.expect(
        "lt 2^53+1", in: collection, where: .lt("v", 9_007_199_254_740_993), finds: [])
    },
    Law("filter-number-order-past", "a number past the range of a double orders as an infinity") {
      let collection = try await $0.shelf(["huge": try json("1e400"), "one": 1])
      try await $0.expect("gt 1e308", in: collection, where: .gt("v", 1e308), finds: ["huge"])
      try await $0.expect(
        "gt infinity", in: collection, where: .gt("v", .double(.infinity)), finds: [])
      try await $0.expect(
        "lt 1e400", in: collection, where: .lt("v", try json("1e400")), finds: ["one"])
    },
    Law("filter-number-not-bool", "a truth value is no number") {
      let collection = try await $0.shelf(["one": 1, "true": true, "zero": 0, "false": false])
      try await $0.expect("eq 1", in: collection, where: .eq("v", 1), finds: ["one"])
      try await $0.expect("eq false", in: collection, where: .eq("v", false), finds: ["false"])
      try await $0.expect("gt -1", in: collection, where: .gt("v", -1), finds: ["one", "zero"])
    },
  ]

  /// Numbers that a coarser type would take for each other: each finds itself alone.
  private static func exact(_ id: String, _ sentence: String, _ numbers: [String]) -> Law {
    Law(id, sentence) { trial in
      let collection = try await trial.anyCollection()
      try await collection.insert(
        numbers.map { Record(id: $0, vector: [1, 0], metadata: ["v": try json($0)]) })
      for number in numbers {
        try await trial.expect(
          "eq \(number)", in: collection, where: .eq("v", try json(number)), finds: [number])
      }
    }
  }

  // MARK: Objects and arrays

  private static let structures: [Law] = [
    Law("filter-object-order", "an object is found with its names in any order") {
      let collection = try await $0.shelf(["ab": ["a": 1, "bb": [2]], "other": ["a": 1]])
      try await $0.expect(
        "eq {bb, a}", in: collection, where: .eq("v", ["bb": [2], "a": 1]), finds: ["ab"])
      try await $0.expect(
        "eq {a}", in: collection, where: .eq("v", ["a": 1]), finds: ["other"])
    },
    Law("filter-object-numbers", "inside objects and arrays numbers are found by value, too") {
      let collection = try await $0.shelf(["x": ["a": [1, ["b": try json("2.50")]]]])
      try await $0.expect(
        "eq", in: collection, where: .eq("v", ["a": [try json("1.0"), ["b": 2.5]]]), finds: ["x"])
      try await $0.expect(
        "eq as text", in: collection, where: .eq("v", ["a": [1, ["b": "2.5"]]]), finds: [])
    },
    Law("filter-object-null", "a name with null is not a name that is missing") {
      let collection = try await $0.shelf(["null": ["a": .null], "empty": [:]])
      try await $0.expect(
        "eq {a: null}", in: collection, where: .eq("v", ["a": .null]), finds: ["null"])
      try await $0.expect("eq {}", in: collection, where: .eq("v", [:]), finds: ["empty"])
      try await $0.expect(
        "exists v.a", in: collection, where: .exists(.metadata("v", "a")), finds: ["null"])
    },
    Law("filter-array-order", "an array is found in its order alone, with every repetition") {
      let collection = try await $0.shelf([
        "12": [1, 2], "21": [2, 1], "122": [1, 2, 2], "empty": [], "nested": [[1, 2]],
      ])
      try await $0.expect("eq [1,2]", in: collection, where: .eq("v", [1, 2]), finds: ["12"])
      try await $0.expect(
        "eq [1,2,2]", in: collection, where: .eq("v", [1, 2, 2]), finds: ["122"])
      try await $0.expect("eq []", in: collection, where: .eq("v", []), finds: ["empty"])
      try await $0.expect(
        "in", in: collection, where: .in("v", [[2, 1], [[1, 2]]]), finds: ["21", "nested"])
    },
  ]

  // MARK: Texts

  private static let texts: [Law] = [
    Law("filter-text-order", "texts are ordered by their bytes") {
      let words = ["", " ", "10", "9", "Z", "a", "aa", "a\u{301}", "z", "\u{E9}", "\u{1F600}"]
      let collection = try await $0.anyCollection()
      try await collection.insert(
        words.enumerated().map { place, word in
          Record(id: "w\(place)", vector: [1, 0], metadata: ["v": .string(word)])
        })
      for (place, word) in words.enumerated() {
        try await $0.expect(
          "lt \(word)", in: collection, where: .lt("v", .string(word)),
          finds: (0..<place).map { "w\($0)" })
        try await $0.expect(
          "gt \(word)", in: collection, where: .gt("v", .string(word)),
          finds: (place..<words.count).dropFirst().map { "w\($0)" })
      }
    },
    Law("filter-id-order", "ids are ordered by their bytes, by a filter as by a scroll") {
      let ids = [" x", "10", "9", "Z", "a", "aa", "z", "\u{E9}", "\u{FF5E}", "\u{1F600}"]
      let collection = try await $0.anyCollection()
      try await collection.insert(ids.reversed().map { Record(id: $0, vector: [1, 0]) })
      for (place, id) in ids.enumerated() {
        try await $0.expect(
          "id lt \(id)", in: collection, where: .lt(.id, .string(id)),
          finds: Array(ids[..<place]))
        try await $0.expect(
          "id ge \(id)", in: collection, where: .ge(.id, .string(id)),
          finds: Array(ids[place...]))
      }
    },
    Law("filter-text-normal-forms", "two spellings of one letter are two texts, names and ids") {
      let collection = try await $0.anyCollection()
      try await collection.insert([
        Record(id: "\u{E9}", vector: [1, 0], metadata: ["v": "\u{E9}", "\u{E9}": 1]),
        Record(id: "e\u{301}", vector: [1, 0], metadata: ["v": "e\u{301}", "e\u{301}": 1]),
      ])
      for letter in ["\u{E9}", "e\u{301}"] {
        try await $0.expect(
          "text", in: collection, where: .eq("v", .string(letter)), finds: [letter])
        try await $0.expect(
          "name", in: collection, where: .exists(.metadata(letter)), finds: [letter])
        try await $0.expect(
          "id", in: collection, where: .eq(.id, .string(letter)), finds: [letter])
        try await $0.expect(
          "ids", in: collection, where: .in(.id, [.string(letter)]), finds: [letter])
      }
    },
    Law("filter-text-case", "texts are told apart by case and by white space around them") {
      let collection = try await $0.shelf(["low": "a", "high": "A", "wide": " a ", "line": "a\n"])
      try await $0.expect("eq a", in: collection, where: .eq("v", "a"), finds: ["low"])
      try await $0.expect("eq A", in: collection, where: .eq("v", "A"), finds: ["high"])
      try await $0.expect("eq ' a '", in: collection, where: .eq("v", " a "), finds: ["wide"])
    },
    Law("filter-text-quotes", "quotes, backslashes and dollar signs in texts are just characters") {
      let texts = ["'", "\"", "\\", "$1", "'; drop table laws; --", "\\u0000", "%s", "{}", "*"]
      let collection = try await $0.anyCollection()
      try await collection.insert(
        texts.map { Record(id: $0, vector: [1, 0], metadata: ["v": .string($0), $0: 1]) })
      for text in texts {
        try await $0.expect(
          "text", in: collection, where: .eq("v", .string(text)), finds: [text])
        try await $0.expect("id", in: collection, where: .eq(.id, .string(text)), finds: [text])
        try await $0.expect(
          "name", in: collection, where: .exists(.metadata(text)), finds: [text])
      }
    },
  ]

  // MARK: Texts that look like numbers

  private static let numericTexts: [Law] = [
    looks("+5", like: 5), looks("-5", like: -5), looks("5.", like: 5), looks(".5", like: 0.5),
    looks("-.5e1", like: -5), looks("1E+2", like: 100), looks("1e2", like: 100),
    looks("1e-2", like: 0.01), looks("007", like: 7), looks("5.25", like: 5.25),
    looks("00.50", like: 0.5), looks("0x10", like: nil), looks(" 5", like: nil),
    looks("5 ", like: nil), looks("1e", like: nil), looks("1e+", like: nil),
    looks("--1", like: nil), looks("+-1", like: nil), looks(".", like: nil), looks("+", like: nil),
    looks("-", like: nil), looks("e5", like: nil), looks("1.2.3", like: nil),
    looks("1,5", like: nil), looks("1_000", like: nil), looks("5\n", like: nil),
    looks("\u{661}", like: nil), looks("\u{FF11}", like: nil), looks("\u{2212}1", like: nil),
    looks("nan", like: nil), looks("inf", like: nil), looks("-Infinity", like: nil),
    looks("true", like: nil),
    Law("filter-numeric-text-past", "a text past the range of a double orders as an infinity") {
      let collection = try await $0.shelf(["huge": "1e400", "tiny": "1e-400"])
      try await $0.expect("gt 1e308", in: collection, where: .gt("v", 1e308), finds: ["huge"])
      try await $0.expect(
        "lt infinity", in: collection, where: .lt("v", .double(.infinity)), finds: ["tiny"])
      try await $0.expect(
        "between", in: collection, where: .gt("v", -1) && .lt("v", 1), finds: ["tiny"])
    },
  ]

  /// A text that an order of numbers takes for a number, or, with nil, for none.
  private static func looks(_ text: String, like number: Double?) -> Law {
    let name = text.unicodeScalars.map { $0.isASCII && $0.value > 32 ? "\($0)" : "u\($0.value)" }
    let sentence = number.map { "the text \(quoted(text)) orders as the number \($0)" }
    return Law(
      "filter-numeric-text-\(name.joined())",
      sentence ?? "the text \(quoted(text)) is none of the numbers that are ordered"
    ) { trial in
      let collection = try await trial.shelf(["x": .string(text)])
      guard let number else {
        try await trial.expect(
          "lt infinity", in: collection, where: .lt("v", .double(.infinity)), finds: [])
        try await trial.expect(
          "gt -infinity", in: collection, where: .gt("v", .double(-.infinity)), finds: [])
        return try await trial.expect(
          "not lt 0", in: collection, where: .not(.lt("v", 0)), finds: ["x"])
      }
      for (operand, isLess, isGreater) in [
        (number - 0.001, false, true), (number, false, false), (number + 0.001, true, false),
      ] {
        try await trial.expect(
          "lt \(operand)", in: collection, where: .lt("v", .double(operand)),
          finds: isLess ? ["x"] : [])
        try await trial.expect(
          "gt \(operand)", in: collection, where: .gt("v", .double(operand)),
          finds: isGreater ? ["x"] : [])
      }
    }
  }

  // MARK: The text of a value

  private static let printedTexts: [Law] = [
    prints("array", "[1,2,3]", as: "[1, 2, 3]"),
    prints("empty-array", "[ ]", as: "[]"),
    prints("object", "{\"a\":1}", as: "{\"a\": 1}"),
    prints("empty-object", "{}", as: "{}"),
    prints(
      "keys", "{\"bb\":1,\"c\":2,\"a\":3,\"aaa\":4}",
      as: "{\"a\": 3, \"c\": 2, \"bb\": 1, \"aaa\": 4}"),
    prints(
      "nested", "{\"a\":[{\"b\":null},[true,false]]}",
      as: "{\"a\": [{\"b\": null}, [true, false]]}"),
    prints("whole", "10", as: "10"),
    prints("places", "1.50", as: "1.50"),
    prints("exponent", "12e3", as: "12000"),
    prints("small", "1e-7", as: "0.0000001"),
    prints("negative", "-5.5", as: "-5.5"),
    prints("big", "123456789012345678901234567890", as: "123456789012345678901234567890"),
    prints("true", "true", as: "true"),
    prints("false", "false", as: "false"),
    prints("text", "\"a \\\"b\\\"\"", as: "a \"b\""),
    prints(
      "escapes", "[\"a\\\"b\\\\c\\n\\t\\u0001\\/\\u00e9\"]", as: "[\"a\\\"b\\\\c\\n\\t\\u0001/é\"]"),
    Law("filter-text-of-null", "null has no text, neither before nor after any other") {
      let collection = try await $0.shelf(["null": .null])
      for filter: Filter in [.gt("v", ""), .lt("v", "~"), .like("v", "*"), .not(.gt("v", ""))] {
        try await $0.expect("a text", in: collection, where: filter, finds: [])
      }
    },
    Law("filter-text-of-double", "a double has the text of its shortest decimal, in plain digits") {
      let collection = try await $0.shelf(["a": .double(1e21), "b": .double(0.1), "c": .double(10)])
      for (id, text) in [("a", "1000000000000000000000"), ("b", "0.1"), ("c", "10")] {
        try await $0.expect(
          "like \(text)", in: collection, where: .like("v", text), finds: [id])
      }
    },
  ]

  /// A JSON value whose text, as an order and a pattern see it, is this.
  private static func prints(_ name: String, _ json: String, as text: String) -> Law {
    Law("filter-text-of-\(name)", "the text of \(json) is \(text)") { trial in
      let collection = try await trial.shelf(["x": try Value(json: json)])
      let same = Filter.ge("v", .string(text)) && .le("v", .string(text))
      try await trial.expect("neither gt nor lt", in: collection, where: same, finds: ["x"])
      try await trial.expect("like", in: collection, where: .like("v", text), finds: ["x"])
    }
  }

  // MARK: Places in arrays

  private static let indices: [Law] = [
    place("0", is: "x"), place("1", is: "y"), place("2", is: "z"), place("3", is: nil),
    place("-1", is: "z"), place("-2", is: "y"), place("-3", is: "x"), place("-4", is: nil),
    place("01", is: "y"), place("+1", is: "y"), place("-0", is: "x"), place("-01", is: "z"),
    place("1.0", is: nil), place("1e0", is: nil), place("x", is: nil), place("0x1", is: nil),
    place("1 2", is: nil), place("--1", is: nil), place("+-1", is: nil), place("+", is: nil),
    place("-", is: nil), place("2147483647", is: nil), place("2147483648", is: nil),
    place("-2147483648", is: nil), place("4294967296", is: nil), place("99999999999", is: nil),
    place("18446744073709551616", is: nil), place("\u{661}", is: nil),
    Law("filter-place-name", "in an object every place is a name, written as it is") {
      let collection = try await $0.shelf(["one": ["1": "a"], "zero-one": ["01": "a"]])
      try await $0.expect(
        "v.1", in: collection, where: .exists(.metadata("v", "1")), finds: ["one"])
      try await $0.expect(
        "v.01", in: collection, where: .exists(.metadata("v", "01")), finds: ["zero-one"])
      try await $0.expect(
        "v.-1", in: collection, where: .exists(.metadata("v", "-1")), finds: [])
    },
    Law("filter-place-null", "an element that is null is there") {
      let collection = try await $0.shelf(["x": [.null, 1]])
      try await $0.expect(
        "v.0", in: collection, where: .exists(.metadata("v", "0")), finds: ["x"])
      try await $0.expect(
        "v.0 = null", in: collection, where: .eq(.metadata("v", "0"), .null), finds: ["x"])
      try await $0.expect(
        "v.2", in: collection, where: .exists(.metadata("v", "2")), finds: [])
    },
    Law("filter-place-nested", "places lead through arrays in arrays") {
      let collection = try await $0.shelf(["x": [[1, 2], [3, ["k": [4]]]]])
      try await $0.expect(
        "v.-1.1.k.0", in: collection, where: .eq(.metadata("v", "-1", "1", "k", "0"), 4),
        finds: ["x"])
    },
  ]

  /// What a segment leads to in the array x, y, z.
  private static func place(_ segment: String, is element: Value?) -> Law {
    let name = segment.unicodeScalars.map { $0.isASCII && $0.value > 32 ? "\($0)" : "u\($0.value)" }
    return Law(
      "filter-place-\(name.joined())",
      "in an array of three, place \(quoted(segment)) is \(element?.json ?? "missing")"
    ) { trial in
      let collection = try await trial.shelf(["list": ["x", "y", "z"]])
      let path = FieldPath.metadata("v", segment)
      try await trial.expect(
        "exists", in: collection, where: .exists(path), finds: element == nil ? [] : ["list"])
      guard let element else { return }
      try await trial.expect("eq", in: collection, where: .eq(path, element), finds: ["list"])
    }
  }
}
