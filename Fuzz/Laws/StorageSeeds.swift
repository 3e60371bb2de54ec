import RoostContract
import RoostEngine
import RoostFiles
import RoostStorage

/// The inputs that the corpora of the files' doors began with, made anew by `roost-fuzz seeds`.
package enum StorageSeeds {
  /// The name of each target, and its inputs: some that are let in and some that are not.
  package static func make() throws -> [(target: String, inputs: [[UInt8]])] {
    let logs = try logs()
    return [
      ("metadata-form", try metadata()), ("lz4-block", blocks()), ("manifest", try manifests()),
      ("log", logs), ("recovery", logs), ("segment", segments()), ("store-operations", scripts()),
    ]
  }

  private static func metadata() throws -> [[UInt8]] {
    let texts = [
      "{}", #"{"a":null,"b":true,"c":false}"#, #"{"n":-1,"o":9007199254740993,"z":1e-7}"#,
      #"{"d":1.50,"e":1e131071,"f":"é","g":""}"#,
      #"{"deep":{"x":[1,[2,{"y":[]}]]},"list":[{},{}]}"#,
      #"{"a":"0123456789012345678901234567890123456789","bb":[true,null,0.1]}"#,
    ]
    return try texts.map { text in
      var writer = ByteWriter()
      writer.metadata(try Metadata(json: text))
      return writer.bytes
    } + [[2, 1, 97, 0, 1, 97, 0], [1, 1, 97, 9], Array(repeating: 1, count: 80)]
  }

  private static func blocks() -> [[UInt8]] {
    let texts = [
      String(repeating: "abc", count: 300), String(repeating: "\u{0}", count: 4_000),
      (0..<200).map { "\($0 * $0)," }.joined(),
    ]
    return texts.map { text in
      let plain = Array(text.utf8)
      let head = [
        UInt8(truncatingIfNeeded: plain.count), UInt8(truncatingIfNeeded: plain.count >> 8),
      ]
      return head + (LZ4Block.compressed(plain) ?? [])
    } + [[3, 0, 0x30, 1, 2, 3], [9, 0, 0x10, 1, 9, 9, 9]]
  }

  private static func manifests() throws -> [[UInt8]] {
    var manifest = Manifest(database: DatabaseID(high: 1, low: 2))
    var bodies = [manifest.encoded()]
    manifest = try StorageForge.base.get().manifest
    bodies.append(manifest.encoded())
    manifest.nextFile = 90
    manifest.nextCollection = 9
    let spec = IndexSpec.hnsw(name: "near")
    let root = Root(a: 3, b: 4)
    manifest.collections.append(
      CollectionEntry(
        number: 7, name: "é", dimension: 65_535, metric: .cosine, element: .i8, mode: .strict,
        created: 4,
        indexes: [
          IndexEntry(
            name: "near", spec: spec,
            files: [IndexFileEntry(segment: 70, file: 80, length: 99, root: root)])
        ],
        segments: [
          SegmentEntry(
            file: 70, length: 40_000, root: root, rows: 8, dead: 2, firstLSN: 1, lastLSN: 3)
        ]))
    bodies.append(manifest.encoded())
    // Eight bytes for the flags stand for the header.
    let flags = [UInt8](repeating: 0, count: 8)
    let inputs = bodies.map { flags + $0.dropFirst(ManifestFormat.headerSize) }
    return inputs + [
      flags, [1, 0, 0, 0, 2, 0, 0, 0] + inputs[0].dropFirst(8), inputs[1].dropLast(9),
    ]
  }

  private static func logs() throws -> [[UInt8]] {
    let base = try StorageForge.base.get()
    let works: [(Store, StoreCollection) throws -> Void] = [
      { _, c in try c.upsert([StorageForge.record(3)]) },
      { _, c in
        try c.delete(["r01"])
        try c.upsert((10..<16).map { StorageForge.record($0) })
        try c.ensureIndexes([.hnsw(name: "near")])
      },
      { store, c in
        let other = try store.ensureCollection(
          CollectionSpec(name: "é", dimension: 2, metric: .cosine, element: .i8))
        try other.upsert([Record(id: "x", vector: [1, -2]), Record(id: "y", vector: [0, 1])])
        try store.write { batch in
          try batch.delete(["x"], from: other)
          try batch.upsert([StorageForge.record(20)], into: c)
        }
        try store.dropCollection("é")
      },
      { store, c in
        try c.delete(where: .gt(.metadata("rank"), .int(5)))
        try store.dropCollection("c")
      },
    ]
    let logs = try works.map { try base.records(of: $0) }
    // A record that lies about its length, and one that is not the next.
    var long = logs[0]
    long[10] = 0xFF
    var late = logs[0]
    late[16] &+= 1
    return logs + [[], long, late, logs[1].dropLast(11), logs[2] + logs[0]]
  }

  private static func segments() -> [[UInt8]] {
    [
      [], [0, 60, 0, 1], [0, 200, 3, 9, 9, 9, 9], [1, 44, 129, 1, 255],
      [2, 7, 0, 0x7C, 2, 9, 0, 1],
      // Columns that say something else than the metadata.
      [32, 8, 0, 0, 1, 2], [113, 60, 0, 1], [33, 200, 3, 9, 9, 55, 9, 9],
      [3, 1, 7, 0, 0, 0, 0, 0, 0, 0, 0], [0, 8, 0, 2], [4, 200, 1, 255, 255],
    ]
  }

  private static func scripts() -> [[UInt8]] {
    typealias Step = StoreScript.Step
    func script(_ steps: [(Step, [UInt8])]) -> [UInt8] {
      steps.flatMap { [$0.0.rawValue] + $0.1 }
    }
    let fill: [(Step, [UInt8])] = [(.put, [1, 1]), (.replace, [2, 2, 3, 3, 4, 4])]
    return [
      script(fill), script(fill + [(.checkpoint, []), (.delete, [2, 0]), (.compact, [])]),
      script(fill + [(.cut, []), (.batch, [5, 5, 1, 0]), (.reopen, []), (.deleteWhere, [2])]),
      script(fill + [(.crash, [1, 7]), (.put, [9, 9]), (.crash, [2, 8]), (.checkpoint, [])]),
      script(fill + [(.flip, [1, 0, 70, 3])]),
      script(fill + [(.checkpoint, []), (.flip, [4, 1, 70, 3]), (.reopen, [])]),
    ]
  }
}
