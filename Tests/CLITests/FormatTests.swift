import Foundation
import RoostContract
import Testing

@testable import RoostCLI

@Suite("A file that is imported")
struct FormatTests {
  /// Two rows of three numbers that every type can hold.
  private static let rows: [[Int]] = [[1, 2, 3], [4, 5, 127]]
  private static let asLines = """
    {"id":"0","vector":[1,2,3],"metadata":{}}
    {"id":"1","vector":[4,5,127],"metadata":{}}

    """

  private static func halfBits(_ number: Int) -> UInt64 {
    // Whole numbers below 2048 are exact: a sign, five bits of exponent, ten of fraction.
    let exponent = number.bitWidth - 1 - number.leadingZeroBitCount
    return UInt64((exponent + 15) << 10 | (number << (10 - exponent)) & 0x3FF)
  }

  private static func bytes(_ number: Int, _ descr: String) -> [UInt8] {
    switch descr {
    case "<f2": SampleBytes.littleEndian(halfBits(number), 2)
    case "<f4": SampleBytes.littleEndian(UInt64(Float(number).bitPattern), 4)
    case "<f8": SampleBytes.littleEndian(Double(number).bitPattern, 8)
    case "<i4": SampleBytes.littleEndian(UInt64(number), 4)
    case "<i8": SampleBytes.littleEndian(UInt64(number), 8)
    default: [UInt8(number)]
    }
  }

  private static func numPy(_ descr: String) -> [UInt8] {
    SampleBytes.numPy(descr, "(2, 3)", rows.flatMap { $0.flatMap { bytes($0, descr) } })
  }

  private static func vecs(_ descr: String) -> [UInt8] {
    rows.flatMap { SampleBytes.littleEndian(3, 4) + $0.flatMap { bytes($0, descr) } }
  }

  @Test(
    "of vectors becomes records with the numbers of their rows", arguments: [false, true],
    [
      ("npy", "<f2"), ("npy", "<f4"), ("npy", "<f8"), ("npy", "|i1"), ("npy", "|u1"),
      ("npy", "<i4"), ("npy", "<i8"), ("fvecs", "<f4"), ("bvecs", "|u1"), ("ivecs", "<i4"),
    ])
  func vectors(packed: Bool, format: (name: String, descr: String)) throws {
    let bed = try ProgramBed()
    let plain = format.name == "npy" ? Self.numPy(format.descr) : Self.vecs(format.descr)
    let name = "rows." + format.name + (packed ? ".gz" : "")
    try bed.write(name, packed ? SampleBytes.gzip(plain) : plain)
    let outcome = try bed.roost("import", "s", "rows", name)
    #expect(outcome.status == 0, "\(outcome)")
    #expect(try bed.roost("export", "s", "rows").out == Self.asLines)
  }

  @Test("becomes the same records again after an export, in every form")
  func roundTrip() throws {
    let bed = try ProgramBed()
    try bed.write("notes.jsonl", SampleBytes.notes)
    try bed.write("notes.jsonl.gz", SampleBytes.gzip(Array(SampleBytes.notes.utf8)))
    func check(_ words: String..., input: String = "") throws {
      let outcome = try bed.roost(["import", "s", "notes"] + words, input: input)
      #expect(outcome.status == 0, "\(outcome)")
      #expect(try bed.roost("export", "s", "notes").out == SampleBytes.notes, "\(words)")
      #expect(try bed.roost("delete", "s", "notes", "--drop").status == 0)
    }
    try check("notes.jsonl", input: "")
    try check("notes.jsonl.gz", input: "")
    try check("-", input: SampleBytes.notes)
    // Twice in one call: the last row of an id counts.
    try check("notes.jsonl", "notes.jsonl")

    #expect(try bed.roost("import", "t", "notes", "notes.jsonl").status == 0)
    let export = ["export", "t", "notes", "-o", "out.jsonl", "--vectors", "out.npy"]
    #expect(try bed.roost(export).status == 0)
    #expect(try bed.roost(export).err.contains("is there"))
    #expect(try bed.roost(export + ["--force"]).status == 0)
    #expect(!bed.has("out.jsonl.partial") && !bed.has("out.npy.partial"))
    try bed.write("out.npy.gz", SampleBytes.gzip(try bed.read("out.npy")))
    try check("out.jsonl", "--vectors", "out.npy")
    try check("--vectors", "out.npy.gz", "--metadata", "out.jsonl")
    try check("out.npy", "--metadata", "out.jsonl")

    #expect(try bed.roost("backup", "t", "copy").status == 0)
    #expect(try bed.roost("restore", "copy", "back").status == 0)
    #expect(try bed.roost("export", "back", "notes").out == SampleBytes.notes)
    let some = try bed.roost("export", "t", "notes", "--where", "year > 2020", "--no-vectors")
    #expect(some.out == "{\"id\":\"b\",\"metadata\":{\"tags\":[\"x\",null],\"year\":2021}}\n")
  }

  @Test("may have an id twice: the last of its rows counts, near by and far apart")
  func twice() throws {
    let bed = try ProgramBed()
    let rows = [("a", 1), ("b", 2), ("a", 3), ("c", 4), ("b", 5)]
    let lines = rows.map { "{\"id\":\"\($0.0)\",\"vector\":[\($0.1)],\"metadata\":{}}\n" }
    try bed.write("rows.jsonl", lines.joined())
    for batch in ["1", "2", "500"] {
      for _ in 0..<2 {
        #expect(try bed.roost("import", "s", "rows", "rows.jsonl", "--batch", batch).status == 0)
        let last = [2, 4, 3].map { lines[$0] }.joined()
        #expect(try bed.roost("export", "s", "rows").out == last)
      }
    }
  }

  @Test("of flat objects gives up its fields, and ids may come from a file of their own")
  func flat() throws {
    let bed = try ProgramBed()
    try bed.write(
      "words.jsonl",
      """
      {"id": 7, "gloss": "a bird", "pos": "noun", "deep": {"id": 1}}

      {"gloss": "to fly", "pos": "verb", "id": "x"}

      """)
    try bed.write("rows.npy", Self.numPy("<f4"))
    try bed.write("ids.txt", "first\nsecond\n")
    #expect(
      try bed.roost(
        "import", "s", "words", "--vectors", "rows.npy", "--metadata", "words.jsonl",
        "--content-field", "gloss"
      ).status == 0)
    #expect(
      try bed.roost("export", "s", "words", "--no-vectors").out == """
        {"id":"7","metadata":{"pos":"noun","deep":{"id":1}},"content":"a bird"}
        {"id":"x","metadata":{"pos":"verb"},"content":"to fly"}

        """)
    #expect(
      try bed.roost("import", "t", "words", "rows.npy", "--ids", "ids.txt").status == 0)
    #expect(try bed.roost("get", "t", "words", "first", "second").status == 0)
    #expect(try bed.roost("get", "t", "words", "0").status == 1)
  }

  @Test("of comma-separated values keeps quotes, lines and what is no number")
  func csv() throws {
    let bed = try ProgramBed()
    let table = """
      \u{FEFF}key,vector,year,code,ok,note\r
      a,"[1, 2]",2020,05,true,"he said ""yes"", twice"\r
      b,"[3, 4]",,1.50,,"two
      lines"\r

      """
    try bed.write("t.csv", table)
    let fields = ["--id-field", "key", "--content-field", "note"]
    #expect(try bed.roost(["import", "s", "t", "t.csv"] + fields).status == 0)
    #expect(
      try bed.roost("export", "s", "t").out == """
        {"id":"a","vector":[1,2],"metadata":{"ok":true,"code":"05","year":2020},\
        "content":"he said \\"yes\\", twice"}
        {"id":"b","vector":[3,4],"metadata":{"code":1.50},"content":"two\\nlines"}

        """)
    #expect(
      try bed.roost(
        ["import", "u", "t", "-", "--format", "csv", "--csv-text"] + fields, input: table
      )
      .status == 0)
    #expect(try bed.roost("export", "u", "t").out.contains("\"year\":\"2020\""))
  }

  /// Files that are not what they should be, and what is said about them.
  private static let bad: [(name: String, bytes: [UInt8], says: String)] = {
    let good = numPy("<f4")
    let nan = SampleBytes.floats([1, 2, 3, 4, .nan, 6])
    let pair = vecs("<f4")
    let flipped = { (bytes: [UInt8], place: Int) in
      var bytes = bytes
      bytes[bytes.count + place] ^= 1
      return bytes
    }
    return [
      ("a.npy", [], "does not begin as a NumPy file does"),
      ("b.npy", Array("not numbers at all".utf8), "does not begin as a NumPy file does"),
      ("c.npy", Array(good.prefix(40)), "its header ends early"),
      ("d.npy", Array(good.dropLast()), "24 bytes, and 23 follow"),
      ("e.npy", good + [0], "24 bytes, and 25 follow"),
      ("f.npy", SampleBytes.numPy("<f4", "(1000000000000, 60000)", []), "and 0 follow"),
      ("g.npy", SampleBytes.numPy("<f4", "(99999999999999999999, 3)", []), "its shape is"),
      ("h.npy", SampleBytes.numPy("<f4", "(2, 70000)", []), "1 to 65535"),
      (
        "i.npy", SampleBytes.numPy("<f4", "(6,)", SampleBytes.floats([1, 2, 3, 4, 5, 6])),
        "shape is (6)"
      ),
      ("j.npy", SampleBytes.numPy(">f4", "(2, 3)", []), "its numbers are \">f4\""),
      ("k.npy", SampleBytes.numPy("|O", "(2, 3)", []), "its numbers are \"|O\""),
      ("l.npy", SampleBytes.numPy("<f4", "(2, 3)", nan), "number 1 of row 1 is nan"),
      ("m.npy.gz", SampleBytes.gzip(Array(good.dropLast())), "it ends in row 1"),
      ("n.npy.gz", SampleBytes.gzip(good + [0]), "there is more behind its 2 rows"),
      ("o.npy.gz", Array(SampleBytes.gzip(good).dropLast(9)), "it ends in the middle"),
      ("p.npy.gz", flipped(SampleBytes.gzip(good), -6), "its checksum does not agree"),
      ("q.npy.gz", flipped(SampleBytes.gzip(good), -2), "its length does not agree"),
      ("r.fvecs", [], "it is empty"),
      ("s.fvecs", [3, 0], "its first row declares no numbers"),
      ("t.fvecs", [255, 255, 255, 255, 0, 0], "its first row declares -1 numbers"),
      ("u.fvecs", Array(pair.dropLast()), "whole rows of one length"),
      ("v.fvecs", Array(pair.prefix(16)) + [2, 0, 0, 0] + pair.suffix(12), "row 1 declares 2"),
      ("w.fvecs.gz", SampleBytes.gzip(Array(pair.dropLast())), "it ends in row 1"),
      ("x.jsonl", Array("{\"id\":\"a\",\"vector\":[1,2]".utf8), "line 1 of x.jsonl"),
      ("y.jsonl", Array("{\"id\":\"a\"}\n".utf8), "has no vector"),
      ("z.jsonl", Array("{\"id\":\"a\",\"vector\":[1e99]}\n".utf8), "finite 32-bit numbers"),
      ("A.jsonl", Array("{\"id\":\"\",\"vector\":[1]}\n".utf8), "an id has at least one character"),
      ("B.jsonl", Array("[1]\n".utf8), "a JSON object"),
      ("C.jsonl", [0xFF, 0xFE, 0x0A], "line 1 of C.jsonl"),
      ("D.csv", Array("id,vector\na,\"[1\n".utf8), "has a quote that does not end"),
      ("E.csv", Array("id,vector\na,\"[1]\",2\n".utf8), "has 3 cells; 2"),
      ("F.csv", Array("id,id\n".utf8), "two of one name"),
      ("G.csv", [], "G.csv is empty"),
      ("H.jsonl", Array("{\"id\":\"a\",\"vector\":[0,0]}\n{\"vector\":[1,2]}\n".utf8), "has no id"),
    ]
  }()

  @Test("is not trusted: it is refused in one line, and nothing of it is stored", arguments: bad)
  func refused(_ file: (name: String, bytes: [UInt8], says: String)) throws {
    let bed = try ProgramBed()
    try bed.write(file.name, file.bytes)
    try Call("import s rows \(file.name)", 3, file.says).check(in: bed)
    if bed.has("s") { #expect(try bed.roost("export", "s", "rows").out.isEmpty) }
  }

  @Test("goes with metadata and ids of as many rows, and with a collection of its dimension")
  func pairs() throws {
    let bed = try ProgramBed()
    try bed.write("rows.npy", Self.numPy("<f4"))
    try bed.write("one.jsonl", "{\"n\":1}\n")
    try bed.write("two.jsonl", "{\"id\":1}\n{\"id\":2}\n")
    try bed.write("vector.jsonl", "{\"id\":1,\"vector\":[1]}\n")
    try bed.write("three.txt", "a\nb\nc\n")
    try bed.write("one.txt", "a\n")
    #expect(try bed.roost("create", "t", "rows", "--dimension", "4").status == 0)
    let calls = [
      Call("import s rows rows.npy --metadata one.jsonl", 3, "one.jsonl ends after 1 rows"),
      Call("import s rows rows.npy --metadata vector.jsonl", 3, "has a vector"),
      Call("import s rows rows.npy --ids three.txt", 3, "has more than 2 lines"),
      Call("import s rows rows.npy --ids one.txt", 3, "--ids has 1 lines"),
      Call("import s rows rows.npy --ids one.txt --metadata two.jsonl", 3, "has an id"),
      Call("import t rows rows.npy", 3, "collection \"rows\" holds 4"),
      Call("search t rows --queries rows.npy", 3, "collection \"rows\" holds 4"),
    ]
    for call in calls { try call.check(in: bed) }
    #expect(!bed.has("s"))
  }
}
