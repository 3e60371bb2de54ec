internal import RoostContract
package import RoostFiles
internal import RoostStorage

// Looking a store over without changing it. A check opens what a reader would open, and in full
// reads every byte of every file and compares what one file says of another.

/// What a check found.
public struct CheckReport: Sendable, Equatable {
  /// Something that is not as it should be.
  public struct Problem: Sendable, Equatable {
    /// The file, or what else it concerns.
    public var place: String
    /// What was found.
    public var sentence: String
    /// What it means for the records.
    public var consequence: String
  }

  /// Whether every byte was read.
  public var isFull: Bool
  /// What is not as it should be; none in a store that is well.
  public var problems: [Problem] = []
  /// What is odd and harms nothing.
  public var remarks: [String] = []
  /// How many collections, segments, logs, living records and bytes were looked at.
  public var collections = 0, segments = 0, logs = 0, records = 0, bytes = 0

  /// Whether the store is well.
  public var isOK: Bool { problems.isEmpty }

  /// The report as JSON.
  public var json: String {
    let problems = problems.map { problem in
      Value.object([
        "place": .string(problem.place), "sentence": .string(problem.sentence),
        "consequence": .string(problem.consequence),
      ])
    }
    let counts = [
      ("collections", collections), ("segments", segments), ("logs", logs), ("records", records),
      ("bytes", bytes),
    ]
    var form: Metadata = [
      "ok": .bool(isOK), "full": .bool(isFull), "problems": .array(problems),
      "remarks": .array(remarks.map(Value.string)),
    ]
    for (name, count) in counts { form[name] = .int(Int64(count)) }
    return Value.object(form).json
  }

  /// The report as lines for people.
  public var lines: [String] {
    func count(_ number: Int, _ noun: String) -> String {
      "\(number) \(noun)" + (number == 1 ? "" : "s")
    }
    let files = (count(segments, "segment"), count(logs, "log"))
    return problems.map { "\($0.place): \($0.sentence); \($0.consequence)" } + remarks
      + [
        isOK
          ? "ok: \(files.0), \(files.1), \(count(records, "record")), "
            + (isFull ? "every byte read" : "heads and ends read")
          : "\(count(problems.count, "problem")) in \(files.0) and \(files.1)"
      ]
  }
}

extension Store {
  /// Looks a store over, whether it is open somewhere or not, and changes nothing.
  ///
  /// A quick check reads manifest, logs and the ends of segments; a full one reads every byte.
  public static func check(at path: String, full: Bool = false) throws -> CheckReport {
    try check(at: path, full: full, on: PosixFileSystem.shared)
  }

  /// The same on another file system.
  package static func check(
    at path: String, full: Bool, on fileSystem: any FileSystem
  ) throws -> CheckReport {
    let directory: any Directory
    do throws(FileError) {
      directory = try fileSystem.openDirectory(path, creating: false)
    } catch {
      throw StoreError(error, .manifest)
    }
    defer { directory.close() }
    var attempts = Recovery.attempts
    while true {
      attempts -= 1
      var before: WriterTracks?
      do throws(StorageError) {
        before = try WriterTracks(in: directory)
      } catch {
        // The check says what is the matter.
      }
      var check = Check(directory: directory, fileSystem: fileSystem, isFull: full)
      var failure: (any Error)?
      do {
        try check.run(path)
        if check.report.isOK { return check.report }
      } catch {
        failure = error
      }
      // What a writer changes while it is looked at is no damage; then all is looked at anew.
      if attempts > 0, let before, isChanged(directory, since: before) { continue }
      if let failure { throw failure }
      return check.report
    }
  }

  private static func isChanged(_ directory: any Directory, since before: WriterTracks) -> Bool {
    do throws(StorageError) {
      return try WriterTracks(in: directory) != before
    } catch {
      return false
    }
  }
}

private struct Check {
  let directory: any Directory
  let fileSystem: any FileSystem
  var report: CheckReport

  init(directory: any Directory, fileSystem: any FileSystem, isFull: Bool) {
    self.directory = directory
    self.fileSystem = fileSystem
    report = CheckReport(isFull: isFull)
  }

  mutating func run(_ path: String) throws {
    let entries: [DirectoryEntry]
    do throws(FileError) {
      entries = try directory.list()
    } catch {
      throw StoreError(error, .manifest)
    }
    report.bytes = entries.reduce(0) { $0 + $1.size }
    report.logs = entries.count { if case .log? = FileName($0.name) { true } else { false } }
    let manifest: Manifest
    do throws(StorageError) {
      guard let found = try Manifest.read(in: directory) else {
        guard !entries.contains(where: { FileName($0.name).isData }) else {
          add(.damaged(.missing, in: .manifest, at: 0), "no collection can be opened")
          return
        }
        throw .file(FileError(.open, ErrorNumber.notFound), .manifest)
      }
      manifest = found
    } catch {
      guard case .file = error else {
        add(error, "no collection can be opened; earlier manifests may serve for a repair")
        return
      }
      throw StoreError(error)
    }
    report.collections = manifest.collections.count
    remark(entries, manifest)
    for entry in manifest.collections { try check(entry, manifest) }
    try checkWhole(manifest)
    for entry in manifest.collections { try checkIndexes(entry, manifest) }
  }

  private mutating func add(_ error: StorageError, _ consequence: String) {
    let error = StoreError(error)
    let place = error.found.split(separator: " ").dropFirst().first.map(String.init) ?? "store"
    report.problems.append(
      CheckReport.Problem(place: place, sentence: error.found, consequence: consequence))
  }

  private mutating func remark(_ entries: [DirectoryEntry], _ manifest: Manifest) {
    let needed = manifest.references
    for entry in entries {
      switch FileName(entry.name) {
      case nil: report.remarks.append("\(quoted(entry.name)) is no file of a store")
      case .segment, .index:
        if !needed.contains(entry.name) {
          report.remarks.append("\(entry.name) is not used; the next writer deletes it")
        }
      default: break
      }
    }
  }

  private mutating func check(_ entry: CollectionEntry, _ manifest: Manifest) throws {
    for segment in entry.segments {
      try Task.checkCancellation()
      report.segments += 1
      do throws(StorageError) {
        let reader = try SegmentReader.open(
          segment, in: directory, database: manifest.database, collection: entry.number,
          dimension: entry.dimension, element: entry.element, mapped: false)
        if report.isFull {
          try reader.verify()
          try reader.verifyColumnsAgainstMetadata()
        }
      } catch {
        add(
          error,
          "up to \(segment.rows) records of collection \(quoted(entry.name)), written from "
            + "\(segment.firstLSN) to \(segment.lastLSN), cannot be trusted")
      }
    }
  }

  /// Whatever is wrong with an index, the rows are in their segments.
  private mutating func checkIndexes(_ entry: CollectionEntry, _ manifest: Manifest) throws {
    for index in entry.indexes {
      for file in index.files {
        try Task.checkCancellation()
        guard let segment = entry.segments.first(where: { $0.file == file.segment }) else {
          continue
        }
        do throws(StorageError) {
          let reader = try IndexFileReader(
            file, in: directory, database: manifest.database, collection: entry.number,
            segmentRoot: segment.root, mapped: false)
          if report.isFull { try reader.verify() }
        } catch {
          add(
            error,
            "searches scan \(segment.rows) rows of collection \(quoted(entry.name)) until index "
              + "\(quoted(index.name)) is built again; no record is lost")
        }
      }
    }
  }

  /// Opens the store as a reader would, and in full compares what its files say of each other.
  private mutating func checkWhole(_ manifest: Manifest) throws {
    guard report.isOK else { return }
    let options = StoreOptions(access: .readOnly, reading: .copied, background: false)
    let recovered: Recovered
    do throws(StorageError) {
      recovered = try Recovery.load(
        manifest, directory, fileSystem, options, false, reusing: [:])
    } catch {
      add(error, "writes after number \(manifest.flushed) cannot all be read")
      return
    }
    let snapshot = recovered.tables.snapshot(at: recovered.lsn)
    for view in snapshot.collections.values {
      report.records += view.count
      guard report.isFull else { continue }
      do {
        try checkRecords(view, at: recovered.lsn)
      } catch let error as StorageError {
        add(error, "records of collection \(quoted(view.entry.name)) cannot be read")
      }
    }
  }

  /// Every living record can be read, ids ascend without repeats, and there are as many as counted.
  private mutating func checkRecords(_ view: CollectionView, at lsn: UInt64) throws {
    let reading = Reading(view: view, lsn: lsn)
    var count = 0
    var cursor: String?
    while true {
      let page = try reading.scroll(after: cursor, limit: 1_000, where: nil, .everything)
      for record in page.records {
        if let cursor, !Bytewise.precedes(cursor, record.id) {
          report.problems.append(
            CheckReport.Problem(
              place: "collection \(view.entry.name)",
              sentence: "record \(quoted(record.id)) lives twice or out of order",
              consequence: "searches may return it twice"))
        }
        cursor = record.id
        count += 1
      }
      if page.next == nil { break }
    }
    if count != view.count {
      report.problems.append(
        CheckReport.Problem(
          place: "collection \(view.entry.name)",
          sentence: "it has \(count) records and counts \(view.count)",
          consequence: "counts are wrong"))
    }
  }
}

extension Optional where Wrapped == FileName {
  /// Whether a file holds records.
  fileprivate var isData: Bool {
    switch self {
    case .segment?, .log?: true
    default: false
    }
  }
}
