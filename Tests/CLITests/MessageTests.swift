import Foundation
import RoostContract
import Testing

/// A call, and how it must end.
struct Call: CustomTestStringConvertible, Sendable {
  let words: [String]
  let status: Int32
  /// What its only line on standard error says.
  let says: String

  init(_ words: String, _ status: Int32, _ says: String) {
    self.words = words.split(separator: " ").map(String.init)
    self.status = status
    self.says = says
  }

  var testDescription: String { words.joined(separator: " ") }

  /// Makes the call, and compares.
  func check(in bed: ProgramBed) throws {
    let outcome = try bed.roost(words)
    #expect(outcome.status == status, "\(testDescription): \(outcome)")
    guard status > 1 else { return }
    #expect(outcome.out.isEmpty, "\(testDescription): \(outcome)")
    let lines = outcome.err.split(separator: "\n", omittingEmptySubsequences: false)
    #expect(lines.count == 2 && lines.last == "", "\(testDescription): \(outcome)")
    #expect(outcome.err.hasPrefix("roost: "), "\(testDescription): \(outcome)")
    #expect(outcome.err.contains(says), "\(testDescription): \(outcome)")
    if status == 2 { #expect(outcome.err.contains("--help` shows how")) }
    // The same as JSON has its code.
    if status == 3 {
      let json = try bed.roost(words + ["--json"])
      #expect(json.status == 3)
      let form = try Metadata(json: json.err)
      #expect(form["code"]?.stringValue != nil && form["message"]?.stringValue != nil)
    }
  }
}

@Suite("A message")
struct MessageTests {
  private func bed() throws -> ProgramBed {
    let bed = try ProgramBed()
    try bed.write("notes.jsonl", SampleBytes.notes)
    #expect(try bed.roost("import", "s", "notes", "notes.jsonl").status == 0)
    return bed
  }

  @Test(
    "tells what is wrong with a call, and does nothing",
    arguments: [
      Call("", 2, "no command is given"),
      Call("serach s", 2, "there is no command 'serach'"),
      Call("help nothing", 2, "there is no command 'nothing'"),
      Call("create", 2, "create lacks STORE"),
      Call("create new notes", 2, "a collection needs --dimension"),
      Call("create new --metric l2", 2, "--metric belongs to a collection"),
      Call("create new notes --dimension 0", 2, "--dimension is '0'; it is a whole number from 1"),
      Call("create new notes --dimension 3 --metric L2", 2, "it is cosine, l2 or inner_product"),
      Call("create new notes more", 2, "does not know what to do with 'more'"),
      Call("import new", 2, "import lacks COLLECTION"),
      Call("import new notes", 2, "import lacks FILE or --vectors"),
      Call("import new notes notes.jsonl --batch x", 2, "--batch is 'x'"),
      Call("import new notes notes.txt", 2, "tells no format"),
      Call("import new notes a.npy b.npy --metadata m.jsonl", 2, "--metadata goes with one file"),
      Call("import new notes notes.jsonl --metadata m.jsonl", 2, "'notes.jsonl' is none"),
      Call("import new notes - --ids -", 2, "standard input can be read once"),
      Call("export s", 2, "export lacks COLLECTION"),
      Call("export s notes --vectors v --no-vectors", 2, "exclude each other"),
      Call("index s notes tree", 2, "it is hnsw, ivfflat, metadata or drop"),
      Call("index s notes drop", 2, "index drop lacks NAME"),
      Call("index s notes hnsw name", 2, "hnsw takes no NAME"),
      Call("index s notes hnsw --lists 3", 2, "--lists is no option of hnsw"),
      Call("index s notes hnsw --m 1", 2, "--m is '1'; it is a whole number from 2 to 100"),
      Call("search s notes", 2, "one of --near, --near-id and --queries"),
      Call("search s notes --near [1] --near-id a", 2, "one of --near, --near-id and --queries"),
      Call("search s notes --near-id a --recall 0.9 --effort 9", 2, "give one"),
      Call("search s notes --near-id a --where x=1 --filter {}", 2, "give one"),
      Call("search s notes --near-id a -k", 2, "-k needs a value"),
      Call("search s notes --near-id a -k 5 -k 6", 2, "-k is given twice"),
      Call("search s notes --near-id a --explain=yes", 2, "--explain takes no value"),
      Call("search s notes --near-id a --truth t.npy", 2, "--truth tells of --queries"),
      Call("get s notes", 2, "get lacks ID"),
      Call("delete s notes", 2, "delete takes ids, or a filter, or --drop"),
      Call("delete s notes a --drop", 2, "one of the three"),
      Call("info s notes more", 2, "does not know what to do with 'more'"),
      Call("health", 2, "health lacks STORE"),
      Call("check s --deep", 2, "check has no option '--deep'"),
      Call("repair s", 2, "repair lacks NEWSTORE"),
      Call("compact", 2, "compact lacks STORE"),
      Call("backup s", 2, "backup lacks BACKUP"),
      Call("restore s", 2, "restore lacks NEWSTORE"),
      Call("bench --rows 0", 2, "--rows is '0'"),
      Call("bench v.npy --seed 1", 2, "--seed is of generated vectors"),
      Call("demo a b", 2, "does not know what to do with 'b'"),
      Call("filter", 2, "filter takes --where or --filter"),
      Call("completions csh", 2, "it is bash, zsh or fish"),
    ])
  func usage(_ call: Call) throws {
    let bed = try ProgramBed()
    try call.check(in: bed)
    #expect(!bed.has("new"))
  }

  @Test("tells that a store is missing, or that a file stands in its place")
  func missing() throws {
    let bed = try ProgramBed()
    try bed.write("file", "no store")
    let commands = [
      "export S notes", "index S notes", "index S notes hnsw", "search S notes --near-id a",
      "get S notes a", "delete S notes a", "info S", "health S", "check S", "repair S new",
      "compact S", "backup S new", "restore S new",
    ]
    for command in commands {
      try Call(command.replacing("S", with: "gone"), 3, "there is no store at \"gone\"")
        .check(in: bed)
      try Call(command.replacing("S", with: "file"), 3, "\"file\" is a file").check(in: bed)
      #expect(!bed.has("new") && !bed.has("gone"))
    }
    try bed.write("notes.jsonl", SampleBytes.notes)
    for command in ["create file", "import file notes notes.jsonl"] {
      try Call(command, 3, "\"file\" is a file").check(in: bed)
    }
    try Call("info postgres://somewhere/library", 3, "address of another store").check(in: bed)
    #expect(try bed.read("file") == Array("no store".utf8))
  }

  @Test("tells that a place cannot be written")
  func unwritable() throws {
    let bed = try bed()
    // A file in the place of a directory stops everybody, the superuser too.
    try bed.write("file", "")
    try DemoTests.writeSample(bed, rows: 1)
    let commands = [
      "create file/new", "import file/new notes notes.jsonl", "backup s file/new",
      "restore s file/new", "repair s file/new", "demo sample --store file/new",
    ]
    for command in commands {
      try Call(command, 3, "\"file\" is a file; a new store lies in a directory").check(in: bed)
    }
    for command in commands.map({ $0.replacing("file/new", with: "gone/new") }) {
      try Call(command, 3, "there is no directory \"gone\"").check(in: bed)
    }
    #expect(!bed.has("gone"))
    try Call("export s notes -o file/new", 3, "cannot be written").check(in: bed)
    #expect(try bed.roost("check", "s", "--full").status == 0)
  }

  @Test("tells that a byte of the store is damaged", arguments: ["MANIFEST", "segment"])
  func damaged(_ name: String) throws {
    let bed = try bed()
    let names = try FileManager.default.contentsOfDirectory(atPath: bed.place("s"))
    let file = name == "segment" ? try #require(names.first { $0.hasSuffix(".seg") }) : name
    try bed.damage("s/" + file)
    let commands = [
      "create s", "import s notes notes.jsonl", "export s notes", "index s notes",
      "index s notes hnsw", "search s notes --near-id a", "get s notes a", "delete s notes a",
      "info s", "health s", "compact s", "backup s new", "restore s new",
    ]
    for command in commands {
      try Call(command, 3, "file \(file) is damaged").check(in: bed)
    }
    for command in ["check s", "check s --full"] {
      let check = try bed.roost(command.split(separator: " ").map(String.init))
      #expect(check.status == 1 && check.out.contains("file \(file) is damaged"), "\(check)")
      #expect(check.err.isEmpty)
    }
    let json = try bed.roost("check", "s", "--json")
    guard case .object(let form) = try json.json() else { return #expect(Bool(false), "\(json)") }
    #expect(json.status == 1 && form["ok"] == false)

    // What can be saved is saved once the losses are accepted, and not before.
    let plan = try bed.roost("repair", "s", "saved")
    #expect(plan.status == 1 && plan.out.contains("lost: ") && !bed.has("saved"), "\(plan)")
    let saved = try bed.roost("repair", "s", "saved", "--accept-losses")
    #expect(saved.status == 0, "\(saved)")
    #expect(try bed.roost("check", "saved", "--full").status == 0)
  }

  @Test("tells that another process writes the store; readers go on")
  func locked() throws {
    let bed = try bed()
    let pipe = try NamedPipe("pipe", in: bed)
    let writer = try RunningProgram(["import", "s", "notes", "-"], in: bed, input: pipe.path)
    // The writer opens the store with its first batch.
    for number in 0..<500 { pipe.write("{\"id\":\"\(number)\",\"vector\":[1,2,3]}\n") }
    try ResumeTests.wait(for: 503, in: "s", bed)
    for command in ["create s", "delete s notes a", "compact s", "index s notes hnsw"] {
      try Call(command, 3, "is being written by process").check(in: bed)
    }
    for command in ["get s notes a", "info s", "check s", "search s notes --near-id a"] {
      try Call(command, 0, "").check(in: bed)
    }
    writer.send(SIGKILL)
    #expect(try writer.outcome().status == -SIGKILL)
    try Call("delete s notes a", 0, "").check(in: bed)
  }

  @Test(
    "tells that its own output has no room",
    .enabled(if: FileManager.default.fileExists(atPath: "/dev/full"), "needs /dev/full"))
  func outputFull() throws {
    let bed = try bed()
    for command in ["export s notes", "info s", "get s notes a", "--help", "completions bash"] {
      let words = command.split(separator: " ").map(String.init)
      let outcome = try bed.roost(words, output: "/dev/full")
      #expect(outcome.status == 3, "\(command): \(outcome)")
      #expect(outcome.err.contains("standard output cannot be written"), "\(outcome)")
    }
  }

  @Test("tells what is wrong with what a command is given")
  func content() throws {
    let bed = try bed()
    try bed.write("q.json", "[1, 2]")
    let calls = [
      Call("info s nots", 3, "there is no collection \"nots\"; the store has \"notes\""),
      Call("search s notes --near [1,2]", 3, "holds 3"),
      Call("search s notes --near @q.json", 3, "holds 3"),
      Call("search s notes --near @gone", 3, "\"gone\" cannot be opened"),
      Call("search s notes --near {}", 3, "a vector is a JSON array"),
      Call("search s notes --near [1,2,\"x\"]", 3, "a vector holds finite 32-bit numbers"),
      Call("search s notes --near-id z", 3, "there is no record \"z\""),
      Call("search s notes --near-id a --where (", 3, "invalid_filter"),
      Call("delete s notes --filter {\"gt\":1}", 3, "invalid_filter"),
      Call("create s notes --dimension 4", 3, "dimension 3"),
      Call("create s notes --dimension 3 --element i8", 3, "element type f32"),
      Call("import s notes notes.jsonl --metric l2", 3, "metric cosine"),
      Call("import s notes notes.jsonl --dimension 4", 3, "3 numbers; 4"),
      Call("export s notes -o q.json", 3, "\"q.json\" is there"),
      Call("restore s s", 3, "is the store itself"),
      Call("backup s s", 3, "is the store itself"),
    ]
    for call in calls { try call.check(in: bed) }
    #expect(try bed.roost("export", "s", "notes").out == SampleBytes.notes)
  }
}
