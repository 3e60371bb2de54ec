import ContractSuite
import RoostContract
import RoostFiles
import RoostKernels
import RoostStorage
import Testing

@Suite("A manifest")
struct ManifestTests {
  /// A manifest with everything in it that there can be.
  static func full() -> Manifest {
    Manifest(
      database: DatabaseID(high: .max, low: 1), generation: 300, nextFile: 40, nextCollection: 9,
      firstLog: 12, flushed: 1_000, closed: 1_001, durable: 1_001,
      collections: [
        CollectionEntry(number: 2, name: "notes", dimension: 384, mode: .strict, created: 5),
        CollectionEntry(
          number: 8, name: "größe", dimension: 65_535, metric: .l2, element: .i8, hasContent: false,
          created: 1 << 50,
          indexes: [
            IndexEntry(
              name: "a", spec: .hnsw(name: "a", m: 8),
              files: [
                IndexFileEntry(segment: 7, file: 30, length: 10, root: Root(a: 1, b: 2)),
                IndexFileEntry(segment: 20, file: 31, length: 0, root: Root(a: 3, b: .max)),
              ]),
            IndexEntry(name: "b", spec: .metadata(name: "b", fields: ["x", .metadata("y", "z")])),
          ],
          segments: [
            SegmentEntry(
              file: 20, length: 1 << 40, root: Root(a: 5, b: 6), rows: 100, dead: 100, firstLSN: 1,
              lastLSN: 10),
            SegmentEntry(
              file: 7, length: 4_096, root: Root(a: 7, b: 8), rows: 0, firstLSN: 11, lastLSN: 11),
          ]),
      ])
  }

  private static func decode(_ bytes: [UInt8]) throws(StorageError) -> Manifest {
    try Manifest(Bytes(bytes), in: .manifest)
  }

  private static func isRefused(_ bytes: [UInt8]) -> Bool {
    do throws(StorageError) {
      _ = try decode(bytes)
      return false
    } catch {
      return true
    }
  }

  @Test("it comes back as it was")
  func roundTrip() throws {
    let full = Self.full()
    #expect(try Self.decode(full.encoded()) == full)
    let empty = Manifest(database: DatabaseID(high: 0, low: 0))
    #expect(try Self.decode(empty.encoded()) == empty)
    #expect(
      full.references == [
        "s-0000000000000014.seg", "s-0000000000000007.seg", "x-000000000000001e.idx",
        "x-000000000000001f.idx",
      ])
  }

  @Test("collections and indexes are put in order")
  func order() throws {
    let full = Self.full()
    var shuffled = full
    shuffled.collections.reverse()
    shuffled.collections[0].indexes.reverse()
    shuffled.collections[0].indexes[1].files.reverse()
    #expect(shuffled.encoded() == full.encoded())
  }

  @Test("any bit that changes, and any cut, is noticed")
  func damage() {
    let whole = Self.full().encoded()
    for place in whole.indices {
      #expect(Self.isRefused(Array(whole[..<place])), "\(place)")
      for bit in 0..<8 {
        var bytes = whole
        bytes[place] ^= 1 << bit
        #expect(Self.isRefused(bytes), "\(place).\(bit)")
      }
      if whole[place] != 0 {
        var bytes = whole
        bytes[place] = 0
        #expect(Self.isRefused(bytes), "\(place)")
      }
    }
    for count in 1...9 { #expect(Self.isRefused(whole + [UInt8](repeating: 0, count: count))) }
  }

  /// The manifest with a body of these bytes and the checksums that fit it.
  private static func repaired(_ body: [UInt8], header: [UInt8]) -> [UInt8] {
    var writer = ByteWriter()
    writer.array(Array(header[..<24]))
    writer.u64(UInt64(body.count))
    writer.u64(Checksum.hash64(body, seed: 0))
    writer.u64(Checksum.hash64(body, seed: .max))
    writer.zeros(12)
    writer.u32(Checksum.crc32c(writer.bytes))
    writer.array(body)
    return writer.bytes
  }

  @Test("changed bytes with checksums that fit are refused, or are the only form of what they say")
  func repairedDamage() throws {
    let whole = Self.full().encoded()
    let header = Array(whole[..<64])
    let body = Array(whole[64...])
    #expect(Self.repaired(body, header: header) == whole)
    var random = SeededGenerator(seed: 51)
    for round in 0..<6_000 {
      var changed = body
      if round < body.count * 8 {
        changed[round / 8] ^= 1 << (round % 8)
      } else {
        for _ in 0..<Int.random(in: 1...3, using: &random) {
          guard !changed.isEmpty else { break }
          let place = Int.random(in: 0..<changed.count, using: &random)
          switch random.next() % 4 {
          case 0: changed.remove(at: place)
          case 1: changed.insert(UInt8.random(in: 0...255, using: &random), at: place)
          case 2: changed.removeLast(changed.count - place)
          default: changed[place] = UInt8.random(in: 0...255, using: &random)
          }
        }
      }
      let bytes = Self.repaired(changed, header: header)
      guard let manifest = try? Self.decode(bytes) else { continue }
      #expect(manifest.encoded() == bytes, "\(round)")
    }
  }

  /// A change after which the parts of a manifest do not fit together.
  struct Misfit: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let expected: FormatError.Problem
    let change: @Sendable (inout Manifest) -> Void

    init(
      _ what: String, _ expected: FormatError.Problem,
      _ change: @escaping @Sendable (inout Manifest) -> Void
    ) {
      testDescription = what
      self.expected = expected
      self.change = change
    }
  }

  static let misfits: [Misfit] = [
    Misfit("a file number that is not used yet", .range) { $0.nextFile = 20 },
    Misfit("a collection number that is not used yet", .range) { $0.nextCollection = 8 },
    Misfit("two collections of a number", .order) { $0.collections[0].number = 8 },
    Misfit("two collections of a name", .order) { $0.collections[0].name = "größe" },
    Misfit("a collection without a name", .order) { $0.collections[0].name = "" },
    Misfit("a file that is two segments", .order) { $0.collections[1].segments[1].file = 20 },
    Misfit("a file that is segment and index", .order) { $0.collections[1].segments[1].file = 30 },
    Misfit("an index of no segment", .missing) {
      $0.collections[1].indexes[0].files[0].segment = 6
    },
    Misfit("two indexes of a name", .order) { $0.collections[1].indexes[1].name = "a" },
    Misfit("more dead rows than rows", .range) { $0.collections[1].segments[0].dead = 101 },
    Misfit("more rows than there may be", .range) {
      $0.collections[1].segments[0].rows = SegmentFormat.rowsMax + 1
    },
    Misfit("a commit that no number comes after", .range) {
      $0.collections[1].segments[0].lastLSN = LogFormat.numberMax
    },
    Misfit("two files of an index over one segment", .order) {
      $0.collections[1].indexes[0].files[1].segment = 7
    },
    Misfit("commits from end to beginning", .range) { $0.collections[1].segments[0].firstLSN = 11 },
    Misfit("a dimension of none", .range) { $0.collections[0].dimension = 0 },
    Misfit("a dimension past the limit", .range) { $0.collections[0].dimension = 65_536 },
    Misfit("generation 0", .range) { $0.generation = 0 },
    Misfit("log 0", .range) { $0.firstLog = 0 },
    Misfit("a number that cannot be added to", .range) { $0.durable = 1 << 62 },
    Misfit("closed before it was flushed", .range) { $0.closed = 999 },
    Misfit("file 0", .range) { $0.collections[1].segments[0].file = 0 },
  ]

  @Test("parts that do not fit together are refused", arguments: misfits)
  func structure(_ misfit: Misfit) {
    var manifest = Self.full()
    misfit.change(&manifest)
    let bytes = manifest.encoded()
    #expect(
      problem { () throws(StorageError) in _ = try Self.decode(bytes) } == misfit.expected)
    // What could not be read is not installed either.
    let directory = HeapDirectory()
    #expect(throws: StorageError.self) { try manifest.install(in: directory) }
    #expect(directory.events == [])
  }

  @Test("the largest numbers that there may be are taken")
  func largest() throws {
    var manifest = Self.full()
    let last = LogFormat.numberMax - 1
    manifest.generation = last
    manifest.nextFile = last
    manifest.nextCollection = last
    manifest.firstLog = last
    manifest.flushed = last
    manifest.closed = last
    manifest.durable = last
    manifest.collections[1].number = last - 1
    manifest.collections[1].segments[0].rows = SegmentFormat.rowsMax
    manifest.collections[1].segments[0].lastLSN = last
    manifest.collections[1].segments[1].file = last - 1
    manifest.collections[1].indexes[0].files[0].segment = last - 1
    manifest.collections[1].indexes[0].files.reverse()
    manifest.collections[0].name = String(repeating: "n", count: Limits.nameBytesMax)
    #expect(try Self.decode(manifest.encoded()) == manifest)
    manifest.collections[0].name += "n"
    #expect(
      problem { () throws(StorageError) in
        _ = try Self.decode(manifest.encoded())
      } == .range)
  }

  @Test(
    "a header with right checksums and one thing wrong is refused as what it is",
    arguments: [
      ("another magic", 0, .magic), ("a later version", 8, .version),
      ("a length that is not the body's", 24, .length), ("a body of another root", 32, .checksum),
      ("a body of another half of a root", 40, .checksum),
      ("something where nothing may be", 48, .reserved), ("something at the end", 59, .reserved),
    ] as [(String, Int, FormatError.Problem)])
  func header(_ what: String, _ place: Int, _ expected: FormatError.Problem) {
    var bytes = Self.full().encoded()
    bytes[place] ^= 4
    #expect(
      problem { () throws(StorageError) in
        _ = try Self.decode(bytes)
      } == (place < 8 ? .magic : .checksum))
    bytes.put(Checksum.crc32c(Array(bytes[..<60])), at: 60)
    #expect(
      problem { () throws(StorageError) in _ = try Self.decode(bytes) } == expected, "\(what)")
  }

  @Test("names that differ only in their bytes are two names")
  func bytewiseNames() throws {
    var manifest = Self.full()
    manifest.collections[0].name = "e\u{301}"
    manifest.collections[1].name = "\u{e9}"
    let back = try Self.decode(manifest.encoded())
    #expect(back == manifest)
    manifest.collections[0].name = "\u{e9}"
    #expect(back != manifest)
  }

  @Test("flags of later versions are kept, make it read-only, or are refused")
  func flags() throws {
    func planted(at place: Int, _ value: UInt8) -> [UInt8] {
      let whole = Self.full().encoded()
      var header = Array(whole[..<64])
      header[place] = value
      return Self.repaired(Array(whole[64...]), header: header)
    }
    let compatible = try Self.decode(planted(at: 12, 4))
    #expect(compatible.compatible == 4)
    #expect(compatible.encoded() == planted(at: 12, 4))
    let readOnly = try Self.decode(planted(at: 17, 1))
    #expect(readOnly.readOnlyCompatible == 256)
    #expect(throws: StorageError.unsupported(.manifest, bits: 256)) {
      try readOnly.install(in: HeapDirectory())
    }
    #expect(throws: StorageError.unsupported(.manifest, bits: 1 << 31)) {
      try Self.decode(planted(at: 23, 0x80))
    }
    #expect(
      problem { () throws(StorageError) in _ = try Self.decode(planted(at: 8, 2)) } == .version)
    #expect(try Self.decode(planted(at: 10, 9)).generation == 300)
  }
}

@Suite("A manifest in its directory")
struct ManifestFileTests {
  private static func manifest(_ generation: UInt64) -> Manifest {
    Manifest(database: LogFixture.database, generation: generation)
  }

  @Test("there is none in an empty directory")
  func none() throws {
    #expect(try Manifest.read(in: HeapDirectory()) == nil)
  }

  @Test("it is durable before it gets its name, and its name before anything is removed")
  func installation() throws {
    let directory = HeapDirectory()
    try Self.manifest(1).install(in: directory)
    let first = FileName.temporary(1).name
    #expect(
      directory.events == [
        "create " + first, "write " + first, "sync " + first, "rename \(first) MANIFEST",
        "sync names",
      ])
    for generation in 2...6 { try Self.manifest(UInt64(generation)).install(in: directory) }
    directory.forgetEvents()
    try Self.manifest(7).install(in: directory)
    let name = FileName.temporary(7).name
    #expect(
      directory.events == [
        "create " + name, "write " + name, "sync " + name,
        "link MANIFEST " + FileName.oldManifest(6).name, "rename \(name) MANIFEST", "sync names",
        "remove " + FileName.oldManifest(2).name,
      ])
    #expect(directory.names == ["MANIFEST"] + (3...6).map { FileName.oldManifest($0).name })
    #expect(try Manifest.read(in: directory) == Self.manifest(7))
    for generation in 3...6 as ClosedRange<UInt64> {
      let old = try #require(directory[FileName.oldManifest(generation).name])
      #expect(old == Self.manifest(generation).encoded())
    }
  }

  @Test("what an installation that did not finish left behind is no hindrance")
  func leftovers() throws {
    let directory = HeapDirectory()
    try Self.manifest(1).install(in: directory)
    directory[FileName.temporary(2).name] = [1, 2, 3]
    directory[FileName.oldManifest(1).name] = directory["MANIFEST"]
    directory["README"] = [4]
    try Self.manifest(2).install(in: directory)
    #expect(try Manifest.read(in: directory) == Self.manifest(2))
    #expect(directory.names == ["MANIFEST", FileName.oldManifest(1).name, "README"])
  }

  @Test("an error before the rename leaves the old one, and nothing else")
  func failures() throws {
    let name = FileName.temporary(2).name
    for event in ["create ", "write ", "sync "] {
      let directory = HeapDirectory()
      try Self.manifest(1).install(in: directory)
      directory.failures[event + name] = 28
      #expect(throws: StorageError.self) { try Self.manifest(2).install(in: directory) }
      #expect(try Manifest.read(in: directory) == Self.manifest(1))
      #expect(directory.names == ["MANIFEST"])
    }
    // Second names are for repair only.
    let directory = HeapDirectory()
    try Self.manifest(1).install(in: directory)
    directory.failures["link MANIFEST " + FileName.oldManifest(1).name] = 1
    try Self.manifest(2).install(in: directory)
    #expect(directory.names == ["MANIFEST"])
  }

  @Test("an error of the rename, or of the sync behind it, is told")
  func indeterminate() throws {
    for (event, operation) in [
      ("rename t-0000000000000002 MANIFEST", FileError.Operation.rename),
      ("sync names", .syncDirectory),
    ] {
      let directory = HeapDirectory()
      try Self.manifest(1).install(in: directory)
      directory.failures[event] = 5
      #expect(throws: StorageError.file(FileError(operation, 5), .manifest)) {
        try Self.manifest(2).install(in: directory)
      }
    }
  }

  @Test("a manifest of no bytes, or of too many, is damage and not the lack of one")
  func unreadable() throws {
    let directory = HeapDirectory()
    directory["MANIFEST"] = []
    #expect(throws: StorageError.self) { try Manifest.read(in: directory) }
    directory["MANIFEST"] = [UInt8](repeating: 0, count: ManifestFormat.sizeMax + 1)
    #expect(
      problem { () throws(StorageError) in _ = try Manifest.read(in: directory) } == .length)
    directory["MANIFEST"]?.removeLast()
    #expect(
      problem { () throws(StorageError) in _ = try Manifest.read(in: directory) } == .magic)
  }

  @Test("a manifest of the largest size is installed and read, and a longer one is not")
  func largest() throws {
    func manifest(_ generation: UInt64, nameOf count: Int) -> Manifest {
      var manifest = Self.manifest(generation)
      manifest.nextCollection = 2
      manifest.collections = [
        CollectionEntry(
          number: 1, name: "c", dimension: 1,
          indexes: [
            IndexEntry(name: String(repeating: "n", count: count), spec: .hnsw(name: "n"))
          ])
      ]
      return manifest
    }
    // Of names as long as this one, the length is a number of as many bytes.
    let count = ManifestFormat.sizeMax - 4_096
    let rest = ManifestFormat.sizeMax - manifest(1, nameOf: count).encoded().count
    let directory = HeapDirectory()
    try manifest(1, nameOf: count + rest).install(in: directory)
    #expect(directory["MANIFEST"]?.count == ManifestFormat.sizeMax)
    #expect(try Manifest.read(in: directory)?.generation == 1)
    #expect(
      problem { () throws(StorageError) in
        try manifest(2, nameOf: count + rest + 1).install(in: directory)
      } == .length)
    #expect(directory.names == ["MANIFEST"])
  }
}

@Suite("Hints")
struct HintTests {
  private static let hint = StateHint(
    database: LogFixture.database, boot: 7, generation: 3, durable: 99)

  @Test("STATE comes back, and is written in place")
  func state() throws {
    let directory = HeapDirectory()
    #expect(StateHint.read(in: directory, database: LogFixture.database) == nil)
    var file = try StateHint.open(in: directory)
    var hint = Self.hint
    try hint.write(to: file)
    #expect(StateHint.read(in: directory, database: LogFixture.database) == hint)
    file = try StateHint.open(in: directory)
    hint.durable = 100
    try hint.write(to: file)
    #expect(StateHint.read(in: directory, database: LogFixture.database) == hint)
    #expect(directory["STATE"]?.count == StateHint.size)
    #expect(StateHint.read(in: directory, database: DatabaseID(high: 0, low: 0)) == nil)
  }

  @Test("a STATE that is torn, cut or changed says nothing")
  func brokenState() {
    let whole = Self.hint.encoded()
    let database = LogFixture.database
    for place in whole.indices {
      #expect(StateHint(Array(whole[..<place]), database: database) == nil)
      for bit in 0..<8 {
        var bytes = whole
        bytes[place] ^= 1 << bit
        #expect(StateHint(bytes, database: database) == nil)
      }
    }
    #expect(StateHint(whole + [0], database: database) == nil)
  }

  @Test("a STATE with a right checksum says nothing when anything else in it is wrong")
  func forgedState() {
    func hint(_ change: (inout [UInt8]) -> Void) -> StateHint? {
      var bytes = Self.hint.encoded()
      change(&bytes)
      bytes.put(Checksum.crc32c(Array(bytes[..<60])), at: 60)
      return StateHint(bytes, database: LogFixture.database)
    }
    #expect(hint { _ in } == Self.hint)
    for place in Array(0..<24) + Array(48..<60) { #expect(hint { $0[place] ^= 1 } == nil) }
    // The start of the machine, the generation and what is durable are what is said.
    for place in 24..<48 { #expect(hint { $0[place] ^= 1 } != nil) }
    // Half of the number of another store is another store's.
    for other in [DatabaseID(high: 0x1111, low: 0), DatabaseID(high: 0, low: 0x2222)] {
      #expect(StateHint(Self.hint.encoded(), database: other) == nil)
    }
  }

  @Test("LOCK says who has it, to whoever can read it")
  func lock() {
    let holder = LockHolder(process: ProcessIdentity(id: 4_711, boot: 0xFEED))
    #expect(holder.encoded() == Array("4711 feed\n".utf8))
    #expect(LockHolder(holder.encoded()) == holder)
    for text in ["", "4711 feed", "4711\n", "x y\n", "1 2 3\n", "99999999999999999999 1\n"] {
      #expect(LockHolder(Array(text.utf8)) == nil, "\(text)")
    }
    let directory = HeapDirectory()
    #expect(LockHolder.read(in: directory) == nil)
    directory["LOCK"] = holder.encoded()
    #expect(LockHolder.read(in: directory) == holder)
  }
}

@Suite("Names of files")
struct FileNameTests {
  @Test("every name comes back, and no other spelling of it is one")
  func names() {
    let all: [FileName] = [
      .lock, .manifest, .state, .reserve, .oldManifest(1), .log(0xABC), .segment(.max), .index(0),
      .temporary(16),
    ]
    for name in all { #expect(FileName(name.name) == name) }
    #expect(Set(all.map(\.name)).count == all.count)
    #expect(FileName.log(0xABC).name == "w-0000000000000abc.wal")
    for name in [
      "", "lock", "MANIFEST.", "MANIFEST.g1", "w-0000000000000ABC.wal", "w-abc.wal",
      "w-+000000000000abc.wal", "s-0000000000000001.wal", "x-0000000000000001.idx.bak",
      "t-00000000000000001", "../LOCK", "w-0000000000000001", "w-0000000000000001.wa",
      "W-0000000000000001.wal", "--0000000000000001.wal", "0000000000000001.wal",
      "w-0000000000000001.walx", "w-0000000000000001xxxx", "t-00000000000000 1",
      "t-\u{FF10}000000000000001", "w-0000000000000001.wal\u{301}", "MANIFEST.g000000000000000g",
    ] { #expect(FileName(name) == nil, "\(name)") }
  }
}
