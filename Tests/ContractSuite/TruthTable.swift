package import RoostContract

/// The truth table: what filters mean, row by row, as a Postgres store of upstream answered them.
///
/// Every row is one filter and the records it selects from one fixture. The answers were recorded
/// by running the real code, and a copy of that recording is in `Tests/Fixtures`; a test compares
/// the two, so that no row is lost and none bends to an implementation. Where Roost chose otherwise
/// the row says why.
package enum TruthTable {
  /// The rows in the order of the recording.
  package static let rows: [TruthRow] =
    equality + orders + negations + joins + columns + paths

  /// The records that the rows are asked of, in no order that means anything.
  package static let records: [Record] = ranked + unranked

  private static let ranked: [Record] = [
    ("int10", 10), ("flt10", 10.0), ("str10", "10"), ("str9", "9"), ("strabc", "abc"),
    ("strexp", "1e2"), ("strsp", " 12 "), ("strNaN", "NaN"), ("strInf", "Infinity"),
    ("strempty", ""), ("neg", -5.5), ("true", true), ("false", false), ("null", .null),
    ("arr", [1, 2, 3]), ("obj", ["a": 1]), ("big", 9_007_199_254_740_993),
  ].map { (id: String, rank: Value) in
    Record(id: id, vector: [1, 0], metadata: ["rank": rank])
  }

  private static let unranked: [Record] = [
    Record(id: "missing", vector: [1, 0], metadata: ["other": 1]),
    Record(id: "nilmeta", vector: [1, 0]),
    Record(id: "nest", vector: [1, 0], metadata: ["a": ["b": ["c": "v"]]]),
    Record(id: "arrobj", vector: [1, 0], metadata: ["a": [["b": 1], ["b": 2]]]),
    Record(id: "dot", vector: [1, 0], metadata: ["a.b": 1]),
    Record(id: "quote", vector: [1, 0], metadata: ["it's": 1]),
    Record(id: "spkey", vector: [1, 0], metadata: [" k ": 1]),
    Record(id: "zerokey", vector: [1, 0], metadata: ["0": "z"]),
    Record(id: "tags", vector: [1, 0], metadata: ["tags": ["x", "y"]]),
    Record(id: "c_empty", vector: [1, 0], content: ""),
    Record(id: "c_hello", vector: [1, 0], content: "hello"),
  ]

  /// Every id but these.
  static func all(but ids: String = "") -> String {
    let without = Set(ids.split(separator: " "))
    return records.map(\.id).filter { !without.contains(Substring($0)) }.joined(separator: " ")
  }
}

/// One row: a filter, and what it selects.
package struct TruthRow: Sendable {
  /// What a filter selects.
  package enum Answer: Sendable, Equatable {
    /// These records, in bytewise order.
    case ids([String])
    /// Nothing: the filter is refused as invalid.
    case refused
  }

  /// The id of the row's law.
  package let id: String
  /// What the recording calls the row.
  package let label: String
  /// What the row shows.
  package let sentence: String
  /// The filter; nil is none.
  package let filter: Filter?
  /// What it selects.
  package let answer: Answer
  /// Why the answer is another than the recorded one, where it is.
  package let choice: String?

  /// A row that selects the records of these ids, with spaces between.
  static func finds(
    _ id: String, _ label: String, _ sentence: String, _ filter: Filter?, _ ids: String
  ) -> TruthRow {
    let sorted = ids.split(separator: " ").map(String.init).sorted(by: Bytewise.precedes)
    return TruthRow(
      id: id, label: label, sentence: sentence, filter: filter, answer: .ids(sorted), choice: nil)
  }

  /// A row whose filter is refused.
  static func refuses(
    _ id: String, _ label: String, _ sentence: String, _ filter: Filter, choice: String? = nil
  ) -> TruthRow {
    TruthRow(
      id: id, label: label, sentence: sentence, filter: filter, answer: .refused, choice: choice)
  }
}

private let rank: FieldPath = "rank"
private let orderChoice = "An order is of numbers or texts; upstream compares with an accident."
private let columnChoice = "A column holds text; upstream passes its driver's error on."

extension TruthTable {
  private static let equality: [TruthRow] = [
    .finds("GV-053", "nil", "no filter lets every record through", nil, all()),
    .finds(
      "GV-054", "Eq(rank,10)", "a whole number finds every number of its value, and no text",
      .eq(rank, 10), "flt10 int10"),
    .finds(
      "GV-054b", "Eq(rank,10.0)", "10.0 finds what 10 finds", .eq(rank, 10.0), "flt10 int10"),
    .finds(
      "GV-055", "Eq(rank,\"10\")", "a text finds texts, and no number", .eq(rank, "10"), "str10"),
    .finds(
      "GV-056", "Eq(rank,nil)", "null finds a null that is there, and no missing field",
      .eq(rank, .null), "null"),
    .finds("GV-057", "Eq(rank,true)", "true finds true", .eq(rank, true), "true"),
    .finds(
      "GV-058", "Eq(rank,[1,2,3])", "an array finds the same array", .eq(rank, [1, 2, 3]), "arr"),
    .finds(
      "GV-058b", "Eq(rank,[3,2,1])", "an array finds none of another order",
      .eq(rank, [3, 2, 1]), ""),
    .finds(
      "GV-059", "Eq(rank,{a:1})", "an object finds the same object", .eq(rank, ["a": 1]), "obj"),
    .finds(
      "GV-060", "Eq(rank,1) vs array elem", "a value finds no array that contains it",
      .eq(rank, 1), ""),
    .finds(
      "GV-061", "Eq(rank,9007199254740993 int64)", "a whole number past 2^53 finds itself",
      .eq(rank, 9_007_199_254_740_993), "big"),
    .finds(
      "GV-061b", "Eq(rank,9007199254740992)", "a whole number past 2^53 finds no neighbour",
      .eq(rank, 9_007_199_254_740_992), ""),
    .refuses(
      "GV-062", "Eq(rank,NaN)", "an eq with NaN, which JSON lacks, is refused",
      .eq(rank, .double(.nan))),
    // Go met a channel here, which no Swift value is; an infinity in an array is as foreign to
    // JSON.
    .refuses(
      "GV-062b", "Eq(rank,chan)", "an eq with a value that holds what JSON lacks is refused",
      .eq(rank, [.double(.infinity)])),
    .finds(
      "GV-063", "In(rank,10,\"10\")", "in finds what eq finds for any of its values",
      .in(rank, [10, "10"]), "flt10 int10 str10"),
    .refuses("GV-064", "In(rank)", "an in without values is refused", .in(rank, [])),
    .finds(
      "GV-065", "In(rank,nil)", "an in of null finds a null that is there", .in(rank, [.null]),
      "null"),
    .finds(
      "GV-065b", "In(rank,nil,10)", "an in of null and a number finds both",
      .in(rank, [.null, 10]), "flt10 int10 null"),
    .finds(
      "GV-066", "In(rank,[1,2,3])", "an in of an array finds the array", .in(rank, [[1, 2, 3]]),
      "arr"),
  ]

  private static let orders: [TruthRow] = [
    .finds(
      "GV-067", "Gt(rank,9)", "gt with a number takes numbers and texts that look like one",
      .gt(rank, 9), "big flt10 int10 str10 strexp"),
    .finds(
      "GV-067b", "Gt(rank,9.5)", "gt with a fraction compares by value", .gt(rank, 9.5),
      "big flt10 int10 str10 strexp"),
    .finds(
      "GV-068", "Gt(rank,10)", "gt leaves the number itself out", .gt(rank, 10), "big strexp"),
    .finds(
      "GV-069", "Gt(rank,\"9\")", "gt with a text compares the text of any value, bytewise",
      .gt(rank, "9"), "arr big false obj strInf strNaN strabc true"),
    .finds(
      "GV-069b", "Gt(rank,\"1\")", "gt with a text sees numbers as their digits",
      .gt(rank, "1"), "arr big false flt10 int10 obj str10 str9 strInf strNaN strabc strexp true"),
    .finds(
      "GV-070", "Gt(rank,true)", "gt with true compares with its text", .gt(rank, true), "obj"),
    .finds(
      "GV-070b", "Gt(rank,false)", "gt with false compares with its text", .gt(rank, false),
      "obj true"),
    .refuses(
      "GV-071", "Gt(rank,nil)", "a gt with null is refused", .gt(rank, .null), choice: orderChoice),
    .refuses(
      "GV-072", "Gt(rank,NaN)", "a gt with NaN is refused", .gt(rank, .double(.nan)),
      choice: orderChoice),
    .finds(
      "GV-073", "Gt(rank,-Inf)", "gt with minus infinity finds all that looks like a number",
      .gt(rank, .double(-.infinity)), "big flt10 int10 neg str10 str9 strexp"),
    .finds(
      "GV-073b", "Lt(rank,+Inf)", "lt with infinity finds all that looks like a number",
      .lt(rank, .double(.infinity)), "big flt10 int10 neg str10 str9 strexp"),
    .finds(
      "GV-074", "Gt(rank,9007199254740992)", "gt compares numbers as doubles, past 2^53 too",
      .gt(rank, 9_007_199_254_740_992), ""),
    .finds(
      "GV-075", "Lt(rank,10)", "lt with a number takes numbers and texts that look like one",
      .lt(rank, 10), "neg str9"),
    .finds(
      "GV-076", "Lt(rank,\"2\")", "lt with a text compares the text of any value, bytewise",
      .lt(rank, "2"), "flt10 int10 neg str10 strempty strexp strsp"),
    .finds(
      "GV-077", "Lt(rank,0)", "lt with zero finds the negative number", .lt(rank, 0), "neg"),
    // Go met a number that is kept as its text; in Swift that is the text.
    .finds(
      "GV-078", "Gt(rank,json.Number 9)", "a number given as text compares as text",
      .gt(rank, .string(Value.int(9).json)), "arr big false obj strInf strNaN strabc true"),
    .refuses(
      "GV-079", "Gt(rank,[1])", "a gt with an array is refused", .gt(rank, [1]),
      choice: orderChoice),
    .finds(
      "GV-080", "Exists(rank)", "exists finds every record with the field, null too",
      .exists(rank),
      all(but: "arrobj c_empty c_hello dot missing nest nilmeta quote spkey tags zerokey")
    ),
  ]

  private static let negations: [TruthRow] = [
    .finds(
      "GV-080b", "Not(Exists(rank))", "not exists finds every record without the field",
      .not(.exists(rank)),
      "arrobj c_empty c_hello dot missing nest nilmeta quote spkey tags zerokey"),
    .finds(
      "GV-081", "Not(Eq(rank,10))", "not eq leaves records without the field out",
      .not(.eq(rank, 10)), rankedBut10),
    .finds(
      "GV-081b", "Not(In(rank,10))", "not in leaves records without the field out",
      .not(.in(rank, [10])), rankedBut10),
    .finds(
      "GV-082", "Not(Gt(rank,9))", "not gt with a number lets records without the field through",
      .not(.gt(rank, 9)), all(but: "big flt10 int10 str10 strexp")),
    .finds(
      "GV-083", "Not(Gt(rank,\"9\"))", "not gt with a text leaves missing fields and nulls out",
      .not(.gt(rank, "9")), "flt10 int10 neg str10 str9 strempty strexp strsp"),
    .finds(
      "GV-084", "Not(Not(Eq(rank,10)))", "not not is the condition itself",
      .not(.not(.eq(rank, 10))), "flt10 int10"),
  ]

  private static let rankedBut10 =
    "arr big false neg null obj str10 str9 strInf strNaN strabc strempty strexp strsp true"

  private static let joins: [TruthRow] = [
    .finds(
      "GV-085", "And(Eq,10;Not(Exists(zz)))", "and finds what all its conditions find",
      .and(.eq(rank, 10), .not(.exists("zz"))), "flt10 int10"),
    .finds(
      "GV-086", "Or(Eq(missing,1),Eq(rank,10))", "or passes over a field that is missing",
      .or(.eq("missing", 1), .eq(rank, 10)), "flt10 int10"),
    .refuses("GV-087", "And()", "an empty and is refused", .and([])),
    .refuses("GV-087b", "Or()", "an empty or is refused", .or([])),
    // Go met nil in the three that follow; in Swift a child without a meaning is one that is empty.
    // JSON has null there; that it is refused is shown with the JSON form.
    .refuses("GV-088", "And(nil)", "an and of nothing is refused", .and([.and([])])),
    .refuses(
      "GV-088b", "Or(Eq,nil)", "an or of something and nothing is refused",
      .or(.eq(rank, 10), .or([]))),
    .refuses("GV-088c", "Not(nil)", "a not of nothing is refused", .not(.and([]))),
    .refuses(
      "GV-089", "And(Eq,And())", "an empty and is refused behind a condition that is never true",
      .and(.eq(rank, "nobody"), .and([]))),
    .refuses(
      "GV-090", "Or(Eq,bad col)", "an unknown column is refused behind a condition that is true",
      .or(.eq(rank, 10), .eq(.column("zz"), "1"))),
    .finds(
      "GV-091", "And(single)", "an and of one condition is that condition", .and(.eq(rank, 10)),
      "flt10 int10"),
  ]

  private static let columns: [TruthRow] = [
    .finds(
      "GV-092", "Eq(id,\"int10\")", "eq finds a record by its id", .eq(.id, "int10"), "int10"),
    .refuses(
      "GV-093", "Eq(id,123)", "an id compared with a number is refused", .eq(.id, 123),
      choice: columnChoice),
    .finds("GV-094", "Eq(id,nil)", "no id is null", .eq(.id, .null), ""),
    .finds(
      "GV-095", "In(id,..)", "in finds records by their ids",
      .in(.id, ["int10", "null", "nobody"]),
      "int10 null"),
    .refuses("GV-095b", "In(id)", "an in over ids without values is refused", .in(.id, [])),
    .finds(
      "GV-096", "Gt(id,\"t\")", "ids are ordered by their bytes", .gt(.id, "t"),
      "tags true zerokey"),
    .finds(
      "GV-096b", "Lt(id,\"b\")", "lt takes ids before a text", .lt(.id, "b"), "arr arrobj"),
    .refuses(
      "GV-097", "Gt(id,5)", "an id ordered against a number is refused", .gt(.id, 5),
      choice: columnChoice),
    .finds("GV-098", "Exists(id)", "every record has an id", .exists(.id), all()),
    .finds(
      "GV-099", "Exists(content)", "an empty content is there, a content of nil is not",
      .exists(.content), "c_empty c_hello"),
    .finds(
      "GV-099b", "Not(Exists(content))", "not exists finds records without content",
      .not(.exists(.content)), all(but: "c_empty c_hello")),
    .finds("GV-100", "Eq(content,nil)", "no content is null", .eq(.content, .null), ""),
    .finds(
      "GV-101", "Eq(content,\"\")", "an empty text finds the empty content", .eq(.content, ""),
      "c_empty"),
    .finds(
      "GV-102", "Not(Eq(content,\"hello\"))", "not eq leaves records without content out",
      .not(.eq(.content, "hello")), "c_empty"),
    .refuses(
      "GV-103", "Eq(content,true)", "a content compared with a truth value is refused",
      .eq(.content, true), choice: columnChoice),
    .refuses(
      "GV-104", "Exists(col metadata)", "the metadata is no column", .exists(.column("metadata"))),
    .refuses(
      "GV-104b", "Exists(col vector)", "the vector is no column", .exists(.column("vector"))),
    .refuses(
      "GV-104c", "Exists(col ID)", "a column's name is told apart by case",
      .exists(.column("ID"))),
    .refuses("GV-105", "Column('')", "a column without a name is refused", .exists(.column(""))),
    .finds(
      "GV-106", "Column('  id ')", "white space around a column's name does not count",
      .eq(.column("  id "), "int10"), "int10"),
    .refuses(
      "GV-107", "Metadata()", "a metadata path without segments is refused", .exists(.metadata())),
    .refuses(
      "GV-107b", "Metadata(' ')", "a metadata path of white space is refused",
      .exists(.metadata(" "))),
    // Go met references of no kind, of an unknown kind, and a node behind a pointer. Swift's types
    // rule all three out; what is left of each is a place that leads nowhere.
    .refuses(
      "GV-108", "FieldRef{}", "a comparison with no place at all is refused",
      .eq(.column("\t\u{A0}"), "int10")),
    .refuses(
      "GV-108b", "FieldRef{Kind:x}", "a comparison in an unknown kind of place is refused",
      .eq(.column("x"), "int10")),
    .refuses(
      "GV-109", "&EqFilter ptr", "a condition that is none is refused inside one that is",
      .not(.eq(.metadata("rank", " \n "), 10))),
  ]

  private static let paths: [TruthRow] = [
    .finds(
      "GV-110", "a.b.c", "a path leads through objects", .eq(.metadata("a", "b", "c"), "v"),
      "nest"),
    .finds(
      "GV-110b", "Exists(a.b)", "a path may end at an object", .exists(.metadata("a", "b")),
      "nest"),
    .finds(
      "GV-111", "a.0.b==1", "a number in a path counts in an array",
      .eq(.metadata("a", "0", "b"), 1), "arrobj"),
    .finds(
      "GV-111b", "a.-1.b==2", "a negative number counts from the end of an array",
      .eq(.metadata("a", "-1", "b"), 2), "arrobj"),
    .finds(
      "GV-112", "tags.0==x", "a path may end at an element", .eq(.metadata("tags", "0"), "x"),
      "tags"),
    .finds(
      "GV-112b", "tags.9 exists", "a place past the end is missing",
      .exists(.metadata("tags", "9")), ""),
    .finds(
      "GV-112c", "tags.x exists", "a name in an array is missing", .exists(.metadata("tags", "x")),
      ""),
    .finds(
      "GV-112d", "Gt(tags.0,\"a\")", "gt looks at an element", .gt(.metadata("tags", "0"), "a"),
      "tags"),
    .finds("GV-113", "key a.b", "a dot in a name is part of the name", .exists("a.b"), "dot"),
    .finds(
      "GV-113b", "key it's", "a quote in a name is part of the name", .exists("it's"), "quote"),
    .finds(
      "GV-113c", "key ' k ' trimmed", "a name with white space around it is out of reach",
      .exists(" k "), ""),
    .finds("GV-114", "key 0", "a number in a path is a name in an object", .exists("0"), "zerokey"),
    .finds(
      "GV-115", "scalar descend rank.x", "a path into a single value leads nowhere",
      .exists(.metadata("rank", "x")), ""),
    .finds(
      "GV-115b", "null descend", "a path into null leads nowhere",
      .or(.exists(.metadata("rank", "x", "y")), .eq(.metadata("rank", "x"), .null)), ""),
  ]
}
