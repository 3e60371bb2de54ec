import Roost

// How an import that was killed goes on. Each batch is stored whole or not at all, and the next one
// begins when it is safe on the disk; so a crash at any moment leaves the batches in front of some
// place, each of them whole, and nothing behind it. Ids are taken from the rows or are their
// numbers, the same in every run. Running the same command again compares what is there with the
// rows, leaves alone what is the same, and stores the rest: nothing twice, nothing lost, and rows
// that have changed since are replaced. No position is written down that could be wrong.

/// `roost import`: the rows of files become records.
struct ImportCommand {
  static let manual = Command(
    name: "import", summary: "store the rows of files as records",
    operands: [.store, .collection, Operand("FILE", .any, isPath: true)],
    options: [
      CommandOption(
        ["--vectors"], value: "FILE", isPath: true,
        "The vectors, a row a record; FILE then has what else the records hold."),
      CommandOption(
        ["--metadata"], value: "FILE", isPath: true,
        "JSON Lines or CSV, a row for each row of the vectors."),
      CommandOption(
        ["--ids"], value: "FILE", isPath: true, "The ids, one a line, for rows that have none."),
      CommandOption(
        ["--id-field"], value: "NAME", "Which member or column is the id; id without it."),
      CommandOption(
        ["--content-field"], value: "NAME", "Which member or column is the content."),
      CommandOption(
        ["--vector-field"], value: "NAME",
        "Which member or column is the vector, a JSON array; vector without it."),
      CommandOption(
        ["--format"], value: "FORMAT", choices: RowFormat.allCases.map(\.rawValue),
        "The format of FILE, where its name does not tell it."),
      CommandOption(["--csv-text"], "Keep every cell of a CSV file as a text."),
      .dimension, .metric, .element,
      CommandOption(["--batch"], value: "N", "How many records are stored at once; 500."),
    ],
    about: [
      "Reads files row by row and stores the rows as records of COLLECTION, which is made when it"
        + " is missing, as is STORE. A record whose id is there already is replaced. FILE is - for"
        + " standard input, which is JSON Lines unless --format says otherwise. Every file may be"
        + " packed with gzip.",
      "JSON Lines (.jsonl, .ndjson): an object a line, either {\"id\",\"vector\",\"metadata\","
        + "\"content\"}, or flat: then --id-field, --content-field and --vector-field are taken out"
        + " and the rest is metadata. The first line tells which, unless a field is named, which"
        + " means flat.",
      "CSV: the first row has the names of the columns. Cells that are JSON numbers, true or false"
        + " become that, empty ones are left out, others are texts.",
      "Vectors (.npy of f16, f32, f64, i8, u8, i32 or i64, .fvecs, .bvecs, .ivecs): a row is a"
        + " vector. Ids come from the --metadata, else from --ids, else they are the numbers of the"
        + " rows from 0 on, through all files.",
      "Files are not trusted: a wrong header, a file that is too short or too long, a number that"
        + " is not finite or a wrong dimension is an error, and nothing of its batch is stored.",
      "An import that ended half-way, even by a power cut, is resumed by running the same command"
        + " again: every batch was stored whole or not at all, and records that are there and equal"
        + " are left alone. An id that stands twice in the files has the last of its rows.",
    ],
    examples: [
      ("roost import library.roost articles articles.jsonl.gz", "Records of a packed file:"),
      (
        "roost import library.roost words --vectors words.npy.gz --metadata words.jsonl.gz"
          + " --content-field gloss", "Vectors, and beside them what else is known of each row:"
      ),
      ("roost import library.roost sift sift_base.fvecs --metric l2", "Vectors alone:"),
      ("producer | roost import library.roost articles -", "What another program writes:"),
    ],
    afterInterrupt: "what was stored stays; run the same command again, and it goes on from there",
    run: { try ImportCommand($0).run() })

  /// A batch is in memory twice; its bytes are bounded as well as its rows.
  private static let batchBytesMax = 32 << 20

  private let arguments: Arguments
  private let batchRows: Int
  private let dimension: Int?

  private init(_ arguments: Arguments) throws {
    self.arguments = arguments
    batchRows = try arguments.whole("--batch", 1...100_000) ?? 500
    dimension = try arguments.whole("--dimension", 1...Limits.dimensionMax)
  }

  private func run() throws -> Bool {
    try StoreDoor.checkCanBe(arguments.rest[0])
    let rows = try ImportRows(arguments)
    let target = ImportTarget(arguments, dimension: dimension)
    let display = ProgressDisplay("import", unit: "records", arguments)
    defer { display.end() }
    let start = ContinuousClock.now
    var batch: [Record] = []
    var bytes = 0
    var done = 0
    do {
      while let record = try rows.next() {
        try target.check(record, rows.place)
        bytes += 4 * (record.vector?.count ?? 0) + rows.rowBytes
        batch.append(record)
        guard batch.count == batchRows || bytes >= Self.batchBytesMax else { continue }
        try Task.checkCancellation()
        try target.store(batch, before: rows.place)
        done += batch.count
        batch.removeAll(keepingCapacity: true)
        bytes = 0
        let guess = rows.fraction.map { Int(Double(done) / max($0, 1e-9)) }
        display.show(done, of: rows.total ?? guess)
      }
      try Task.checkCancellation()
      try target.store(batch, before: "the end")
    } catch let error as StoreError where error.code != .cancelled && target.stored > 0 {
      throw StoreError(
        error.code, found: error.found, expected: error.expected,
        remedy: error.remedy + ". \(Figures.whole(target.stored)) records in front of it were"
          + " stored; the same command goes on from there", cause: error.cause)
    }
    display.end()
    try target.close()
    try tell(target, seconds: (ContinuousClock.now - start) / .seconds(1))
    return true
  }

  private func tell(_ target: ImportTarget, seconds: Double) throws {
    if arguments.wantsJSON {
      let form: Metadata = [
        "collection": .string(arguments.rest[1]), "stored": .int(Int64(target.stored)),
        "unchanged": .int(Int64(target.unchanged)), "seconds": .double(seconds),
      ]
      try Terminal.print(Value.object(form).json)
    } else {
      let unchanged =
        target.unchanged == 0
        ? "" : ", \(Figures.whole(target.unchanged)) there already and unchanged"
      try Terminal.print(
        "\(Terminal.plain(arguments.rest[1])): \(Figures.count(target.stored, "record")) stored"
          + "\(unchanged), \(Figures.seconds(seconds))")
    }
  }
}

/// The collection that rows are stored in; it is made with the first batch, so that a file of which
/// nothing can be read leaves nothing behind.
private final class ImportTarget {
  private let arguments: Arguments
  private var dimension: Int?
  private var store: Store?
  private var collection: StoreCollection?
  /// Whether records may be there already.
  private var mayBeThere = false
  private(set) var stored = 0
  private(set) var unchanged = 0

  /// How many bytes are compared before the store is opened anew.
  ///
  /// What is read of a store stays mapped into memory while it is open; without this, going on with
  /// a large import would take more memory than beginning it.
  private static let comparedBytesMax = 16 << 20
  /// About how many bytes were read to be compared since the store was opened.
  private var comparedBytes = 0
  /// Whether anything was written since then: then closing it would make a segment before its time.
  private var hasWritten = false

  init(_ arguments: Arguments, dimension: Int?) {
    self.arguments = arguments
    self.dimension = dimension
  }

  /// Throws when a record is not of the dimension of those before it.
  func check(_ record: Record, _ place: String) throws {
    let count = record.vector?.count ?? 0
    guard count > 0 else {
      throw StoreError(
        .invalidArgument, found: "\(place) has no vector",
        expected: "every record has one", remedy: "Name --vector-field, or give --vectors")
    }
    if let dimension, count != dimension {
      throw StoreError(
        .dimensionMismatch, found: "\(place) has \(count) numbers",
        expected: "\(dimension), as --dimension or the first row says",
        remedy: "Mend the row, or import it into another collection")
    }
    dimension = count
  }

  func store(_ batch: [Record], before place: String) throws {
    guard !batch.isEmpty else { return }
    var collection = try opened()
    // The last record of an id is the one that counts.
    var places: [BytewiseKey: Int] = [:]
    var records: [Record] = []
    for record in batch {
      if let place = places.updateValue(records.count, forKey: BytewiseKey(record.id)) {
        places[BytewiseKey(record.id)] = place
        records[place] = record
      } else {
        records.append(record)
      }
    }
    var new = records
    if mayBeThere {
      let old = try collection.get(records.map(\.id))
      new = zip(records, old).filter { !Self.isSame($0, $1) }.map(\.0)
      comparedBytes += old.count { $0 != nil } * 4 * collection.dimension
      let bytesMax = new.isEmpty ? Self.comparedBytesMax : Self.comparedBytesMax / 4
      if !hasWritten, comparedBytes >= bytesMax { collection = try openedAnew() }
    }
    hasWritten = hasWritten || !new.isEmpty
    do {
      try collection.upsert(new)
    } catch let error as StoreError {
      throw error.naming("in the \(batch.count) rows up to \(place)")
    }
    stored += new.count
    unchanged += records.count - new.count
  }

  /// Whether a record is there as it is.
  private static func isSame(_ new: Record, _ old: Record?) -> Bool {
    guard let old else { return false }
    return new.vector == old.vector && (new.metadata ?? [:]) == (old.metadata ?? [:])
      && Bytewise.equal(new.content, old.content)
  }

  private func openedAnew() throws -> StoreCollection {
    try close()
    store = nil
    collection = nil
    comparedBytes = 0
    return try opened()
  }

  private func opened() throws -> StoreCollection {
    if let collection { return collection }
    let store = try Store.open(at: arguments.rest[0])
    let name = arguments.rest[1]
    let there = try store.listCollections().first { Bytewise.equal($0.name, name) }
    if let there, let dimension, there.dimension != dimension {
      throw StoreError(
        .dimensionMismatch, found: "the rows have \(dimension) numbers",
        expected: "collection \(quoted(name)) holds \(there.dimension)",
        remedy: "Embed with the collection's model, or name another collection")
    }
    let spec = CollectionSpec(
      name: name, dimension: dimension ?? 0,
      metric: try arguments["--metric"].map(Metric.init(parsing:)) ?? there?.metric ?? .cosine,
      element: try arguments["--element"].map(ElementType.init(parsing:)) ?? there?.element ?? .f32)
    let collection = try store.ensureCollection(spec)
    mayBeThere = try there != nil && collection.count() > 0
    self.store = store
    self.collection = collection
    return collection
  }

  func close() throws { try store?.close() }
}
