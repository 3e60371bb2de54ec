import Foundation
import RoostContract
import Testing

// The page Messages.md is the table of what every command says in every situation. Here each of its
// rows is called, in a directory that is as the page says, and compared.

/// What the page presumes: made once, copied for every call.
private struct Presumed: Sendable {
  let path: String

  private static let made = Result { try Presumed() }

  private init() throws {
    let bed = try ProgramBed(isKept: true)
    path = bed.path
    try bed.write("file", "no store")
    try bed.write("notes.jsonl", SampleBytes.notes)
    try bed.write("more.jsonl", "{\"id\":\"d\",\"vector\":[0,0,1]}\n")
    try DemoTests.writeSample(bed, rows: 40)
    try Self.make("import", "s", "notes", "notes.jsonl", in: bed)
    try Self.make("backup", "s", "backup", in: bed)
  }

  static func make(_ words: String..., in bed: ProgramBed) throws {
    let outcome = try bed.roost(words)
    try #require(outcome.status == 0, "\(outcome)")
  }

  /// A directory as the page presumes it.
  static func bed() throws -> ProgramBed {
    let bed = try ProgramBed()
    try copy(try made.get().path, to: bed.path)
    return bed
  }

  static func copy(_ folder: String, to other: String) throws {
    for name in try FileManager.default.contentsOfDirectory(atPath: folder) {
      try FileManager.default.copyItem(atPath: folder + "/" + name, toPath: other + "/" + name)
    }
  }
}

@Suite("The page of messages")
struct MessagePageTests {
  @Test("has every command in every table, and nothing else")
  func whole() {
    #expect(MessagePage.here.strangers.isEmpty)
    for situation in MessagePage.Situation.allCases {
      let rows = MessagePage.rows(situation)
      let commands = Set(rows.map(\.command))
      for name in HelpTests.names {
        #expect(commands.contains(name), "\(situation.rawValue) lacks \(name)")
      }
      #expect(Set(rows.map(\.testDescription)).count == rows.count, "a row stands twice")
    }
  }

  @Test("is true with --help", arguments: MessagePage.rows(.help))
  func help(_ row: MessageRow) throws {
    row.check(try Presumed.bed().roost(row.words))
  }

  @Test("is true with wrong arguments", arguments: MessagePage.rows(.wrong))
  func wrong(_ row: MessageRow) throws {
    let bed = try Presumed.bed()
    let outcome = try bed.roost(row.words)
    row.check(outcome)
    #expect(outcome.err.hasSuffix("--help` shows how\n"))
    #expect(!bed.has("new"))
  }

  @Test("is true without a store", arguments: MessagePage.rows(.missing))
  func missing(_ row: MessageRow) throws {
    let bed = try Presumed.bed()
    row.check(try bed.roost(row.words))
    #expect(!bed.has("gone"))
    #expect(bed.has("new") == (row.status == 0 && row.words.contains("new")))
    try checkJSON(row, bed)
  }

  @Test("is true with a damaged store", arguments: MessagePage.rows(.damaged))
  func damaged(_ row: MessageRow) throws {
    let bed = try Presumed.bed()
    let segment = "s/s-0000000000000001.seg"
    try bed.damage(segment)
    let before = try bed.read(segment)
    row.check(try bed.roost(row.words))
    #expect(try bed.read(segment) == before)
    try checkJSON(row, bed)
  }

  /// The same error as JSON has the code that the line begins with.
  private func checkJSON(_ row: MessageRow, _ bed: ProgramBed) throws {
    guard row.status == 3 else { return }
    let plain = try bed.roost(row.words)
    let json = try bed.roost(row.words + ["--json"])
    #expect(json.status == 3 && json.out.isEmpty)
    let code = try #require(try Metadata(json: json.err)["code"]?.stringValue)
    #expect(plain.err.hasPrefix("roost: \(code): "), "\(plain)\n\(json)")
  }

  @Test(
    "is true in a read-only directory", arguments: MessagePage.rows(.readOnly), Protection.ways)
  func readOnly(_ row: MessageRow, _ way: Protection) throws {
    let bed = try Presumed.bed()
    try FileManager.default.createDirectory(
      atPath: bed.place("ro"), withIntermediateDirectories: false)
    for name in ["s", "backup"] {
      try FileManager.default.copyItem(atPath: bed.place(name), toPath: bed.place("ro/" + name))
    }
    let before = try FileManager.default.subpathsOfDirectory(atPath: bed.place("ro")).sorted()
    let outcome = try RunningProgram(row.words, in: bed, input: "/dev/null", through: way.words)
      .outcome()
    row.check(outcome)
    let after = try FileManager.default.subpathsOfDirectory(atPath: bed.place("ro")).sorted()
    #expect(before == after)
    #expect(try bed.roost("check", "ro/s", "--full").status == 0)
  }

  @Test("is true on a full disk", arguments: MessagePage.rows(.full), Fullness.ways)
  func full(_ row: MessageRow, _ way: Fullness) throws {
    guard way.allows(row) else { return }
    let bed = try Presumed.bed()
    let words = way.words + [row.output ?? "-"]
    let outcome = try RunningProgram(row.words, in: bed, input: "/dev/null", through: words)
      .outcome()
    row.check(outcome)
    let sound = String(decoding: try bed.read("sound"), as: UTF8.self)
    #expect(sound.hasSuffix("every byte read\n0\n"), "\(testName(row)): \(sound)")
    guard row.status == 3 else { return }
    let again = String(decoding: try bed.read("again"), as: UTF8.self)
    #expect(again.hasSuffix("\n0\n"), "\(testName(row)), once there is room: \(again)")
  }

  private func testName(_ row: MessageRow) -> String { row.testDescription }
}

// MARK: - Directories that are read-only, and disks that are full

/// A script of the shell between the test and the program.
private struct Between {
  /// How a process gets a view of the file system of its own, if this one may have one.
  static let ownView: [String]? = [["unshare", "-m"], ["unshare", "-r", "-m"]].first { words in
    let probe = """
      cd "$0" && mkdir a b && mount -t tmpfs none a && mount --bind b b \
        && mount -o remount,bind,ro b && ! touch b/c
      """
    return works(words + ["/bin/sh", "-c", probe])
  }

  /// How the superuser loses the right to write what its permissions forbid.
  static let powerless: [String]? = {
    guard geteuid() == 0 else { return [] }
    let words = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"]
    return works(words + ["/bin/sh", "-c", "cd \"$0\" && chmod 500 . && ! touch c"]) ? words : nil
  }()

  private static func works(_ words: [String]) -> Bool {
    do {
      let bed = try ProgramBed()
      let process = Process()
      process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
      process.arguments = words + [bed.path]
      process.standardError = FileHandle.nullDevice
      try process.run()
      process.waitUntilExit()
      return process.terminationStatus == 0
    } catch {
      return false
    }
  }
}

/// A way to keep the program from writing into the directory `ro`.
struct Protection: CustomTestStringConvertible, Sendable {
  let testDescription: String
  /// The words in front of the call.
  let words: [String]

  /// Those that this process may use; everybody may use one of them, unless it is the superuser in
  /// a container that forbids it everything.
  static let ways: [Protection] = {
    var ways: [Protection] = []
    let start = "export TMPDIR=\"$PWD/ro\"; "
    if let view = Between.ownView {
      let script = "mount --bind ro ro && mount -o remount,bind,ro ro && exec \"$@\""
      ways.append(
        Protection("a mount that is read-only", view + ["/bin/sh", "-c", start + script, "sh"]))
    }
    if let powerless = Between.powerless {
      let call = (powerless + ["\"$@\""]).joined(separator: " ")
      let script = "chmod -R a-w ro; \(call); status=$?; chmod -R u+w ro; exit $status"
      ways.append(Protection("permissions", ["/bin/sh", "-c", start + script, "sh"]))
    }
    return ways
  }()

  private init(_ name: String, _ words: [String]) {
    testDescription = name
    self.words = words
  }
}

/// A way to leave the program no room in the directory `disk`.
struct Fullness: CustomTestStringConvertible, Sendable {
  let testDescription: String
  /// The words in front of the call's own, without the file that its output goes to, or `-`.
  let words: [String]
  /// Whether nothing can be written anywhere, not even on space that was set aside.
  let isTotal: Bool

  /// Whether a row can be tried this way.
  func allows(_ row: MessageRow) -> Bool {
    !isTotal || row.status == 3 || !["delete", "compact", "backup"].contains(row.command)
  }

  /// A small disk of its own, and for those who may have none, a limit to the size of files.
  static let ways: [Fullness] = {
    let run = "run() { if [ \"$0\" = - ]; then \"$@\"; else \"$@\" >\"$0\"; fi; }; "
    let end = """

      status=$?
      { "$1" check disk/s --full; echo $?; } >sound 2>&1
      rm -f disk/filler disk/out
      if [ $status = 3 ]; then
        mkfifo pipe; cat <pipe >again &
        { run "$@"; echo; echo $?; } >pipe 2>&1; wait
      fi
      exit $status
      """
    let limit = """
      mkdir disk && cp -r s disk/s || exit 99
      export TMPDIR="$PWD/disk"
      mkfifo out.pipe err.pipe
      cat <out.pipe & cat <err.pipe >&2 &
      (trap '' XFSZ; ulimit -f 0; run "$@") >out.pipe 2>err.pipe
      status=$?; wait; (exit $status)
      """
    let limited = Fullness("a limit", ["/bin/sh", "-c", run + limit + end], isTotal: true)
    guard let view = Between.ownView else { return [limited] }
    let small = """
      mkdir disk && mount -t tmpfs -o size=24m none disk && cp -r --sparse=never s disk/s || exit 99
      export TMPDIR="$PWD/disk"
      cat /dev/zero >disk/filler 2>/dev/null
      run "$@"
      """
    let mounted = Fullness(
      "a small disk", view + ["/bin/sh", "-c", run + small + end], isTotal: false)
    return [mounted, limited]
  }()

  private init(_ name: String, _ words: [String], isTotal: Bool) {
    testDescription = name
    self.words = words
    self.isTotal = isTotal
  }
}

// MARK: - Ctrl-C

@Suite("Ctrl-C, by the page of messages,")
struct InterruptionPageTests {
  /// A store that takes a while to work on: thousands of rows, and wider ones.
  private static let big = Result {
    let bed = try ProgramBed(isKept: true)
    var state: UInt64 = 1
    let numbers = (0..<2_200 * 8).map { _ in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Float(state >> 40) / 1_000_000
    }
    try bed.write("big.npy", SampleBytes.numPy("<f4", "(2200, 8)", SampleBytes.floats(numbers)))
    try bed.write(
      "wide.npy",
      SampleBytes.numPy("|u1", "(800, 1024)", (0..<800 * 1_024).map { UInt8($0 % 251) }))
    try Presumed.make("import", "big", "notes", "big.npy", in: bed)
    try Presumed.make("import", "big", "wide", "wide.npy", in: bed)
    // What is deleted gives a compaction something to do.
    try Presumed.make("delete", "big", "notes", "0", "1", "2", in: bed)
    return bed.path
  }

  private func bed() throws -> ProgramBed {
    let bed = try Presumed.bed()
    try Presumed.copy(try Self.big.get(), to: bed.path)
    return bed
  }

  @Test("ends a command", arguments: MessagePage.rows(.interrupted))
  func interrupted(_ row: MessageRow) throws {
    var bed = try bed()
    var outcome = try caught(row, bed, after: 0)
    var pause: UInt32 = 50_000
    // Too late for a machine that is quick, too early for one that is slow: then once more.
    for _ in 0..<12 where outcome.status < 2 || outcome.err.contains("nothing was begun") {
      if outcome.status < 2 { bed = try self.bed() }
      outcome = try caught(row, bed, after: pause)
      pause += pause / 2
    }
    outcome.err = String(outcome.err.split(separator: "\r").last ?? "")
    // What was printed before is not taken back.
    outcome.out = ""
    row.check(outcome)
    try goOn(row, outcome, bed)
  }

  /// Sends the signal while the command does what the row says.
  private func caught(_ row: MessageRow, _ bed: ProgramBed, after pause: UInt32) throws -> Outcome {
    let pipe = try NamedPipe("pipe-" + UUID().uuidString, in: bed)
    let program: RunningProgram
    switch row.activity {
    case "reading": program = try RunningProgram(row.words, in: bed, input: pipe.path)
    case "printing":
      pipe.fill()
      program = try RunningProgram(row.words, in: bed, input: "/dev/null", output: pipe.path)
    case "working":
      let words = row.words + ["--progress", "bar"]
      program = try RunningProgram(words, in: bed, input: "/dev/null")
      while try program.said.isEmpty, program.isRunning { usleep(500) }
      program.send(SIGINT)
      return try program.outcome()
    default: throw RunningProgram.ProgramFailure(what: "nothing is known of \(row.activity)")
    }
    usleep(pause)
    program.send(SIGINT)
    return try program.outcome()
  }

  /// Does what the line says: the store is sound, and the command goes on.
  private func goOn(_ row: MessageRow, _ outcome: Outcome, _ bed: ProgramBed) throws {
    let stores = ["s", "backup"] + (row.words.contains("big") ? ["big"] : [])
    for store in stores { #expect(try bed.roost("check", store, "--full").status == 0) }
    let left = try FileManager.default.contentsOfDirectory(atPath: bed.path)
    #expect(!left.contains { $0.hasPrefix("roost-bench-") || $0.hasSuffix(".partial") })
    if outcome.err.contains("delete the new") {
      try? FileManager.default.removeItem(atPath: bed.place("new"))
    }
    // These take long, and go on in tests of their own.
    guard !["bench", "index", "compact"].contains(row.command) else { return }
    let input = row.command == "search" ? "[1,0,0]" : SampleBytes.notes
    let again = try bed.roost(row.words, input: input)
    #expect(again.status <= 1, "\(row.testDescription), again: \(again)")
  }

  @Test("is heard before a command begins", arguments: MessagePage.rows(.interrupted))
  func pending(_ row: MessageRow) throws {
    let bed = try Presumed.bed()
    let outcome = try RunningProgram(
      row.words, in: bed, input: "/dev/null", prelude: "kill -INT $$", holding: SIGINT
    ).outcome()
    #expect(outcome.status == 130, "\(outcome)")
    #expect(
      outcome.err == "roost: interrupted; nothing was begun; run the same command again\n",
      "\(outcome)")
    #expect(outcome.out.isEmpty && !bed.has("new") && !bed.has("out"))
  }
}
