import Foundation
import RoostContract
import Testing

@testable import RoostCLI

@Suite("The answers of")
struct SearchTests {
  private func bed() throws -> ProgramBed {
    let bed = try ProgramBed()
    try bed.write("notes.jsonl", SampleBytes.notes)
    #expect(try bed.roost("import", "s", "notes", "notes.jsonl").status == 0)
    return bed
  }

  private func hits(_ outcome: Outcome) throws -> [Metadata] {
    guard case .object(let form) = try outcome.json(), case .array(let hits)? = form["hits"] else {
      Issue.record("no hits: \(outcome)")
      return []
    }
    return hits.compactMap { hit in
      guard case .object(let form) = hit else { return nil }
      return form
    }
  }

  @Test("search are the nearest, from an argument, a file, standard input or a record")
  func near() throws {
    let bed = try bed()
    try bed.write("q.json", "[1, 0, 0]\n")
    let table = try bed.roost("search", "s", "notes", "--near", "[1,0,0]")
    #expect(table.status == 0)
    #expect(
      table.out == """
         score  distance  id  content
        1.0000    0.0000  a   first
        0.8944    0.1056  c   third
        0.0000    1.0000  b

        """)
    for words in [["--near", "@q.json"], ["--near", "-"], ["--near=[1,0,0]"]] {
      let same = try bed.roost(["search", "s", "notes"] + words, input: "[1,0,0]")
      #expect(same.out == table.out, "\(words)")
    }
    let like = try bed.roost("search", "s", "notes", "--near-id", "a", "-k", "1", "--json")
    #expect(try hits(like).map { $0["id"] } == ["c"])
    let exact = try bed.roost("search", "s", "notes", "--near", "[1,0,0]", "--exact", "--json")
    #expect(try hits(exact).map { $0["id"] } == ["a", "c", "b"])
    #expect(try hits(exact)[0]["distance"] == 0 && hits(exact)[0]["metadata"] == ["year": 2020])
    #expect(try hits(exact)[0]["vector"] == nil)
    let full = try bed.roost("search", "s", "notes", "--near-id", "a", "--json", "--vectors")
    #expect(try hits(full)[0]["vector"] == [0.5, 0.25, 0])
  }

  @Test("search satisfy a filter and a threshold, and tell how they were found")
  func filtered() throws {
    let bed = try bed()
    let near = ["search", "s", "notes", "--near", "[1,0,0]", "--json"]
    #expect(
      try hits(bed.roost(near + ["--where", "year > 2020"])).map { $0["id"] } == ["b"])
    #expect(
      try hits(bed.roost(near + ["--filter", #"{"gt":["year",2020]}"#])).map { $0["id"] } == ["b"])
    #expect(
      try hits(bed.roost(near + ["--lenient", "--where", "year >= 2020"])).count == 2)
    #expect(try hits(bed.roost(near + ["--threshold", "0.5"])).map { $0["id"] } == ["a", "c"])
    let none = try bed.roost(near + ["--where", "year = 1"])
    #expect(none.status == 1)
    #expect(none.out == "{\"hits\":[]}\n")
    let explained = try bed.roost(near + ["--explain"])
    #expect(explained.out.contains("\"explain\":{"))
    let told = try bed.roost("search", "s", "notes", "--near-id", "a", "--explain")
    #expect(told.lines.last?.contains("scan of 3 rows") == true, "\(told)")
    // As many as are shown; the record itself, which was found as well, is none of them.
    #expect(told.lines.contains { $0.hasPrefix("2 hits, ") }, "\(told)")
    let fields = try bed.roost("search", "s", "notes", "--near-id", "a", "--fields", "year,tags.0")
    #expect(
      fields.lines.map { $0.split(separator: " ") }.last == ["0.0000", "1.0000", "b", "2021", "x"])
  }

  @Test("search of many rows are one a line, or their recall against the truth")
  func many() throws {
    let bed = try ProgramBed()
    let numbers = SampleBytes.floats((0..<40).flatMap { [Float($0), 1] })
    try bed.write("rows.npy", SampleBytes.numPy("<f4", "(40, 2)", numbers))
    try bed.write(
      "queries.npy", SampleBytes.numPy("<f4", "(3, 2)", SampleBytes.floats([0, 1, 39, 1, 20.5, 1])))
    // The second query has a neighbour that is not stored, the third two that are equally near.
    let truth = [0, 1, 2, 39, 38, 100, 20, 21, 22]
      .flatMap { SampleBytes.littleEndian(UInt64($0), 4) }
    try bed.write("truth.npy", SampleBytes.numPy("<i4", "(3, 3)", truth))
    #expect(try bed.roost("import", "s", "rows", "rows.npy", "--metric", "l2").status == 0)
    let search = ["search", "s", "rows", "--queries", "queries.npy", "-k", "3"]
    let lines = try bed.roost(search + ["--json"]).lines
    #expect(lines.count == 3)
    #expect(lines[1].hasPrefix("{\"query\":1,\"hits\":[{\"id\":\"39\",\"distance\":0,"))
    let recall = try bed.roost(search + ["--truth", "truth.npy", "--json"])
    #expect(recall.status == 0)
    guard case .object(let form) = try recall.json() else { return }
    #expect(form["queries"] == 3 && form["k"] == 3)
    #expect(abs((form["recall"]?.doubleValue ?? 0) - 8.0 / 9) < 1e-12)
    #expect(
      try bed.roost(search + ["--truth", "truth.npy"]).out == "recall@3 0.8889 over 3 queries\n")
    let more = search.dropLast() + ["4", "--truth", "truth.npy"]
    #expect(try bed.roost(Array(more)).err.contains("tells 3 neighbours a query"))
  }

  @Test("get, delete, info and health")
  func rest() throws {
    let bed = try bed()
    let got = try bed.roost("get", "s", "notes", "b", "z", "a", "--json")
    #expect(got.status == 1)
    #expect(got.err == "roost: there is no record \"z\"\n")
    #expect(
      got.lines == [
        SampleBytes.notes.split(separator: "\n")[1], SampleBytes.notes.split(separator: "\n")[0],
      ])
    #expect(try bed.roost("get", "s", "notes", "a").out.contains("content   first"))

    let dry = try bed.roost("delete", "s", "notes", "--where", "year > 2000", "--dry-run", "--json")
    #expect(dry.status == 0 && dry.out == "{\"would_delete\":2}\n")
    #expect(try bed.roost("delete", "s", "notes", "--where", "year = 2021").status == 0)
    #expect(try bed.roost("delete", "s", "notes", "b").status == 1)
    guard case .object(let info) = try bed.roost("info", "s", "notes", "--json").json() else {
      return
    }
    #expect(info["records"] == 2 && info["dimension"] == 3 && info["metric"] == "cosine")
    guard case .array(let all) = try bed.roost("info", "s", "--json").json() else { return }
    #expect(all.count == 1)
    guard case .object(let health) = try bed.roost("health", "s", "--json").json() else { return }
    #expect(health["state"] == "healthy")
    #expect(try bed.roost("compact", "s", "--json").status == 0)
    #expect(try bed.roost("delete", "s", "notes", "--drop").status == 0)
    #expect(try bed.roost("info", "s", "--json").out == "[]\n")
    #expect(
      try bed.roost("create", "s", "more", "--dimension", "2", "--json").out.contains("\"more\""))
  }

  @Test("index: made once, made anew, listed, taken away")
  func indexes() throws {
    let bed = try ProgramBed()
    let numbers = SampleBytes.floats((0..<8_400).map { Float(($0 * $0) % 601) })
    try bed.write("rows.npy", SampleBytes.numPy("<f4", "(2100, 4)", numbers))
    #expect(try bed.roost("import", "s", "rows", "rows.npy", "--metric", "l2").status == 0)
    func action(_ words: String...) throws -> String? {
      let outcome = try bed.roost(["index", "s", "rows"] + words + ["--json"])
      #expect(outcome.status == 0, "\(outcome)")
      guard case .object(let form) = try outcome.json() else { return nil }
      #expect(words[0] == "metadata" || form["indexed"] == 2_100)
      return form["action"]?.stringValue
    }
    #expect(try action("ivfflat", "--lists", "4", "--name", "near") == "created")
    #expect(try action("ivfflat", "--lists", "4", "--name", "near") == "unchanged")
    #expect(try action("ivfflat", "--lists", "5", "--name", "near") == "rebuilt")
    #expect(try action("metadata", "--fields", "year,a.b") == "created")
    guard case .array(let all) = try bed.roost("index", "s", "rows", "--json").json() else {
      return
    }
    #expect(all.count == 2)
    let search = ["search", "s", "rows", "--near-id", "7", "--explain"]
    #expect(try bed.roost(search).status == 0)
    // What is merged is indexed when the command ends.
    #expect(try bed.roost(["delete", "s", "rows"] + (1...50).map(String.init)).status == 0)
    #expect(try bed.roost("compact", "s").status == 0)
    let merged = try bed.roost("index", "s", "rows", "--json")
    #expect(merged.out.contains("\"indexed\":2050"), "\(merged)")
    #expect(try bed.roost("index", "s", "rows", "drop", "near").status == 0)
    #expect(try bed.roost("index", "s", "rows", "drop", "near").status == 1)
  }

  @Test("filter and bench")
  func small() throws {
    let bed = try bed()
    let filter = try bed.roost("filter", "--where", "year = 2021", "notes.jsonl")
    #expect(filter.status == 0 && filter.lines.count == 1)
    #expect(try bed.roost("filter", "--where", "year = 1", "notes.jsonl").status == 1)
    #expect(try bed.roost("filter", "--where", "a=1").out == "a = 1\n{\"eq\":[\"a\",1]}\n")
    let bench = ["bench", "--rows", "300", "--dimension", "8", "--queries", "5", "--json"]
    guard case .object(let form) = try bed.roost(bench).json() else { return }
    #expect(form["rows"] == 300 && form["recall"] == 1)
    #expect((form["exact_qps"]?.doubleValue ?? 0) > 0)
    let left = try FileManager.default.contentsOfDirectory(atPath: bed.path)
    #expect(!left.contains { $0.hasPrefix("roost-bench-") })
  }

  @Test("long work are told on standard error as it goes on, and only if wanted")
  func progress() throws {
    let bed = try bed()
    let bar = try bed.roost(
      "import", "s", "notes", "notes.jsonl", "--batch", "1", "--progress", "bar")
    #expect(bar.err.contains("import  "), "\(bar)")
    #expect(bar.err.contains("100%") && bar.err.contains("3 records"), "\(bar)")
    #expect(bar.out.hasPrefix("notes: 0 records stored, 3 there already"))
    let none = try bed.roost("import", "s", "notes", "notes.jsonl", "--batch", "1")
    #expect(none.err.isEmpty)
  }
}

@Suite("A table")
struct TableTests {
  @Test("fits the width, and marks what it cuts off")
  func fits() {
    var table = TableOutput(("id", .left), ("n", .right), ("text", .left))
    table.add("a", "1", String(repeating: "long ", count: 20))
    table.add("b", "22", "東京 and\u{1B}[31m more")
    for width in [24, 40, 80] {
      let lines = table.lines(columns: width)
      #expect(lines.allSatisfy { TableOutput.width($0) <= width }, "\(lines)")
      #expect(lines[1].hasSuffix("…"))
      #expect(!lines.joined().contains("\u{1B}"))
    }
    #expect(table.lines(columns: nil)[1].hasSuffix("long long"))
  }

  @Test("has numbers as people read them")
  func figures() {
    #expect(Figures.whole(1_234_567) == "1,234,567")
    #expect(Figures.whole(-1_000) == "-1,000")
    #expect(Figures.whole(999) == "999")
    #expect(Figures.fixed(0.05, 1) == "0.1")
    #expect(Figures.fixed(-0.00001, 3) == "0.000")
    #expect(Figures.fixed(-1.25, 2) == "-1.25")
    #expect(Figures.fixed(.nan, 2) == "nan")
    #expect(Figures.bytes(0) == "0 B")
    #expect(Figures.bytes(999) == "999 B")
    #expect(Figures.bytes(214_300_000) == "214 MB")
    #expect(Figures.bytes(33_160) == "33.2 kB")
    #expect(Figures.seconds(9.1) == "9.10 s")
    #expect(Figures.seconds(200) == "3 min 20 s")
  }
}
