import Roost

/// The commands that look after a store as a whole.
enum CareCommands {
  static let check = Command(
    name: "check", summary: "look a store over without changing it",
    operands: [.store],
    options: [
      CommandOption(["--full"], "Read every byte of every file, not only heads and ends.")
    ],
    about: [
      "Looks for damage, and changes nothing; the store may be open elsewhere. Every problem is"
        + " told with its file and what it means for the records. A store that is damaged is mended"
        + " by `roost repair`, or replaced by a backup with `roost restore`."
    ],
    examples: [("roost check library.roost --full", "Every byte:")],
    answersNo: "the store is damaged"
  ) { arguments in
    try StoreDoor.checkIsThere(arguments.rest[0])
    let report = try Store.check(at: arguments.rest[0], full: arguments.has("--full"))
    try Terminal.print(arguments.wantsJSON ? report.json : report.lines.joined(separator: "\n"))
    return report.isOK
  }

  static let repair = Command(
    name: "repair", summary: "write what can be saved of a damaged store into a new one",
    operands: [.store, Operand("NEWSTORE", isPath: true)],
    options: [
      CommandOption(["--accept-losses"], "Write the new store although something is lost.")
    ],
    about: [
      "Prints what cannot be saved of a store, then what can be. When nothing is lost, or the"
        + " losses are accepted, writes the rest into NEWSTORE, which must be empty or not there."
        + " The damaged store is never changed."
    ],
    examples: [
      ("roost repair library.roost saved.roost", "What would be lost:"),
      ("roost repair library.roost saved.roost --accept-losses", "Save the rest:"),
    ],
    answersNo: "something would be lost, and nothing was written",
    afterInterrupt: "the damaged store is as it was; delete the new one and run the command again",
    run: runRepair)

  static let compact = Command(
    name: "compact", summary: "merge segments, and give back the room of what was deleted",
    operands: [.store],
    about: [
      "Merges the segments of each collection as far as anything is gained by it, and builds the"
        + " indexes of what was merged. The store does the same by itself as it is written to, as"
        + " far as it is worth while."
    ],
    examples: [("roost compact library.roost", "Merge:")],
    afterInterrupt: "the store is sound, and what was merged stays merged; run the command again"
      + " for the rest"
  ) { arguments in
    let store = try StoreDoor.writing(arguments.rest[0])
    let display = ProgressDisplay("compact", unit: "rows", arguments)
    defer { display.end() }
    let before = try store.statistics()
    try store.compact(progress: display.report)
    // The store would do so in its own time, which ends here.
    for collection in try store.listCollections() {
      let known = try store.known(collection.name)
      try known.ensureIndexes(known.indexes().map(\.spec), progress: display.report)
    }
    display.end()
    let after = try store.statistics()
    try store.close()
    let bytes = [before, after].map { $0.collections.reduce(0) { $0 + ($1.bytes ?? 0) } }
    if arguments.wantsJSON {
      let form: Metadata = [
        "bytes_before": .int(Int64(bytes[0])), "bytes_after": .int(Int64(bytes[1])),
      ]
      try Terminal.print(Value.object(form).json)
    } else {
      try Terminal.print(
        "segments take \(Figures.bytes(bytes[1])); they took \(Figures.bytes(bytes[0]))")
    }
    return true
  }

  static let backup = Command(
    name: "backup", summary: "copy a store as it is now; again: only what is new",
    operands: [.store, Operand("BACKUP", isPath: true)],
    about: [
      "Copies the store as it is at this moment into the directory BACKUP, while others read and"
        + " write it. Every copy is read back and checked. A directory that holds an earlier backup"
        + " of the same store takes only what is new. A backup is a store: it can be searched."
    ],
    examples: [("roost backup library.roost backups/library.roost", "Copy what is new:")],
    afterInterrupt: "an earlier backup there is whole, a new one is not; run the command again"
  ) { arguments in
    try StoreDoor.checkCanBe(arguments.rest[1])
    let store = try StoreDoor.reading(arguments.rest[0])
    let display = ProgressDisplay("backup", unit: "bytes", arguments)
    defer { display.end() }
    let report = try store.backup(to: arguments.rest[1], progress: display.report)
    display.end()
    try store.close()
    try tell(report, arguments)
    return true
  }

  static let restore = Command(
    name: "restore", summary: "make a store of a backup",
    operands: [Operand("BACKUP", isPath: true), Operand("NEWSTORE", isPath: true)],
    about: [
      "Copies a backup into NEWSTORE, which must be empty or not there, and checks every byte of"
        + " the copy. The backup stays as it is."
    ],
    examples: [("roost restore backups/library.roost library.roost", "Bring it back:")],
    afterInterrupt: "the backup is as it was; delete the new store and run the command again"
  ) { arguments in
    try StoreDoor.checkIsThere(arguments.rest[0])
    try StoreDoor.checkCanBe(arguments.rest[1])
    let display = ProgressDisplay("restore", unit: "bytes", arguments)
    defer { display.end() }
    let report = try Store.restore(
      from: arguments.rest[0], to: arguments.rest[1], progress: display.report)
    display.end()
    try tell(report, arguments)
    return true
  }

  private static func tell(_ report: BackupReport, _ arguments: Arguments) throws {
    if arguments.wantsJSON {
      let form: Metadata = [
        "commit": .int(Int64(clamping: report.commit)), "copied": .int(Int64(report.copied)),
        "kept": .int(Int64(report.kept)), "bytes": .int(Int64(report.bytes)),
      ]
      try Terminal.print(Value.object(form).json)
    } else {
      try Terminal.print(
        Figures.count(report.copied, "file") + " copied, \(Figures.whole(report.kept)) kept,"
          + " \(Figures.bytes(report.bytes))")
    }
  }

  /// Tells what will be lost, and only then and only when that is accepted, writes the new store.
  private static func runRepair(_ arguments: Arguments) throws -> Bool {
    let (path, newPath) = (arguments.rest[0], arguments.rest[1])
    try StoreDoor.checkIsThere(path)
    try StoreDoor.checkCanBe(newPath)
    let plan = try Store.planRepair(at: path)
    let isWritten = plan.losses.isEmpty || arguments.has("--accept-losses")
    if !arguments.wantsJSON { for line in plan.lines { try Terminal.print(line) } }
    if isWritten { try plan.run(into: newPath) }
    if arguments.wantsJSON {
      let losses = plan.losses.map { loss in
        Value.object([
          "file": .string(loss.file), "sentence": .string(loss.sentence),
          "records": .int(Int64(loss.records)),
        ])
      }
      let saved = Metadata(plan.saved.map { ($0.key, .int(Int64($0.value))) })
      let form: Metadata = [
        "losses": .array(losses), "saved": .object(saved), "written": .bool(isWritten),
      ]
      try Terminal.print(Value.object(form).json)
    } else {
      try Terminal.print(
        isWritten
          ? "wrote \(Terminal.plain(newPath))"
          : "nothing was written; --accept-losses writes what can be saved into"
            + " \(Terminal.plain(newPath))")
    }
    return isWritten
  }
}
