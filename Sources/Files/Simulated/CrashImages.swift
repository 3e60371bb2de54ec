/// The disks that a power cut could leave, made one by one.
///
/// A struct in whose copies the walk goes on separately.
package struct CrashImages: Sequence, IteratorProtocol, Sendable {
  /// How many pieces of the disk are uncertain.
  package var unitCount: Int { units.count }

  private let folders: [CrashState.Folder]
  private let uncertain: [UncertainFile]
  /// The number of each uncertain file, and where its units are.
  private let places: [(number: Int, units: Range<Int>)]
  private let units: [CrashUnit]
  private let certainFiles: [Int: DiskImage.FileContent]

  private let limit: Int
  private let seed: UInt64
  /// The calls that a power cut could have come before.
  private let cuts: [Int]
  private let chapters: [Int]
  private let extras: [(unit: Int, state: UInt8)]
  private var chapter = 0
  private var index = 0

  private var made = 0
  private var seen: Set<UInt64> = []
  /// Files that were put together before: most images differ in one of them only.
  private var contents: [[[UInt8]: DiskImage.FileContent]]
  private var keptBytes = 0
  private var nameHashes: [String: [String: UInt64]] = [:]

  /// All sets of kept units are tried up to this many units.
  private static let exhaustiveMax = 12
  private static let keptBytesMax = 64 << 20

  init(of state: CrashState, limit: Int, seed: UInt64, samples: Int) {
    self.limit = limit
    self.seed = seed
    folders = state.folders
    var numbers = SeededNumbers(seed: seed)
    var units: [CrashUnit] = []
    for folder in folders {
      for entry in folder.pending {
        var unit = CrashUnit(versions: [entry.call])
        if case .move = entry.change { unit.extras = 1 }
        units.append(unit)
      }
    }
    var uncertain: [UncertainFile] = []
    var places: [(number: Int, units: Range<Int>)] = []
    var certain: [Int: DiskImage.FileContent] = [:]
    for file in state.files {
      let parts = UncertainFile(file, numbers: &numbers)
      if parts.units.isEmpty {
        certain[file.number] = DiskImage.FileContent(
          bytes: file.durable, hash: DiskImage.FileContent.hash(of: file.durable))
      } else {
        places.append((file.number, units.count..<units.count + parts.units.count))
        uncertain.append(parts)
        units += parts.units
      }
    }
    self.units = units
    self.uncertain = uncertain
    self.places = places
    certainFiles = certain
    contents = Array(repeating: [:], count: uncertain.count)
    cuts = Set(units.flatMap(\.versions)).sorted()
    var extras: [(unit: Int, state: UInt8)] = []
    for (index, unit) in units.enumerated() {
      for state in 1..<unit.states where state != Int(unit.newest) {
        extras.append((index, UInt8(state)))
      }
    }
    self.extras = extras
    let count = units.count
    chapters = [
      2, cuts.count, count, count, extras.count * 3,
      count <= Self.exhaustiveMax ? 1 << count : 0, count == 0 ? 0 : samples,
    ]
  }

  package mutating func next() -> DiskImage? {
    while made < limit, let states = nextStates() {
      if let image = image(states) {
        made += 1
        return image
      }
    }
    return nil
  }

  // MARK: The walk

  private mutating func nextStates() -> [UInt8]? {
    while chapter < chapters.count, index >= chapters[chapter] {
      chapter += 1
      index = 0
    }
    guard chapter < chapters.count else { return nil }
    defer { index += 1 }
    return states(chapter: chapter, index)
  }

  private func states(chapter: Int, _ index: Int) -> [UInt8] {
    var states = [UInt8](repeating: 0, count: units.count)
    switch chapter {
    case 0:
      return index == 0 ? units.map(\.newest) : states
    case 1:
      return units.map { $0.state(before: cuts[index]) }
    case 2:
      states = units.map(\.newest)
      states[index] = 0
    case 3:
      states[index] = units[index].newest
    case 4:
      let extra = extras[index / 3]
      switch index % 3 {
      case 0: states = units.map(\.newest)
      case 1: break
      default:
        let call = units[extra.unit].versions.first ?? 0
        states = units.map { $0.state(before: call) }
      }
      states[extra.unit] = extra.state
    case 5:
      // An odd stride reaches every set, and the first few already differ in many units.
      let count = 1 << units.count
      let set = (index &* 0x9E37_79B1 &+ Int(truncatingIfNeeded: seed)) & (count - 1)
      for unit in units.indices where set & 1 << unit != 0 { states[unit] = units[unit].newest }
    default:
      var numbers = SeededNumbers(seed: seed &+ UInt64(index) &* 0xD129_0B26_88D4_1A5B)
      // How much is lost differs as well, or most draws would lose half.
      let kept = numbers.below(9)
      for unit in units.indices {
        switch numbers.below(10) {
        case 9: states[unit] = UInt8(numbers.below(units[unit].states))
        case let draw where draw < kept: states[unit] = units[unit].newest
        default: break
        }
      }
    }
    return states
  }

  // MARK: One image

  /// Nil when an equal one was made before.
  private mutating func image(_ states: [UInt8]) -> DiskImage? {
    var files = certainFiles
    for (index, place) in places.enumerated() {
      files[place.number] = content(index, states[place.units])
    }
    var found: [String: [String: Int]] = [:]
    var hash: UInt64 = 0
    var unit = 0
    for folder in folders {
      var entries = folder.durable
      for entry in folder.pending {
        apply(entry.change, state: states[unit], to: &entries)
        unit += 1
      }
      found[folder.path] = entries
      hash &+= nameHash("", in: folder.path)
      var links: [Int: Int] = [:]
      for node in entries.values { links[node, default: 0] += 1 }
      for (name, node) in entries {
        hash &+= DiskImage.hash(
          ofName: nameHash(name, in: folder.path), content: files[node]?.hash ?? 0,
          links: links[node] ?? 1)
      }
    }
    guard seen.insert(hash).inserted else { return nil }
    return DiskImage(folders: found, files: files, hash: hash)
  }

  private func apply(_ change: EntryChange, state: UInt8, to entries: inout [String: Int]) {
    switch (state, change) {
    case (0, _): break
    case (2, .move(_, let newName, let node)): entries[newName] = node
    default: entries.apply(change)
    }
  }

  private mutating func content(
    _ index: Int, _ states: ArraySlice<UInt8>
  ) -> DiskImage.FileContent {
    let key = Array(states)
    if let known = contents[index][key] { return known }
    let bytes = uncertain[index].bytes(states)
    let content = DiskImage.FileContent(bytes: bytes, hash: DiskImage.FileContent.hash(of: bytes))
    if keptBytes < Self.keptBytesMax {
      keptBytes += bytes.count
      contents[index][key] = content
    }
    return content
  }

  private mutating func nameHash(_ name: String, in path: String) -> UInt64 {
    if let known = nameHashes[path]?[name] { return known }
    let hash = DiskImage.hash(ofName: name, in: path)
    nameHashes[path, default: [:]][name] = hash
    return hash
  }
}
