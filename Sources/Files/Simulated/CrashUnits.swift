// What of a disk is uncertain, cut into the pieces that a power cut keeps or loses one by one.

/// A piece that is found in one of several states after a power cut.
///
/// State 0 is the disk as it was; states 1… are the versions that calls made, oldest first; what
/// follows is in between.
struct CrashUnit: Sendable {
  /// The calls that made the versions.
  var versions: [Int] = []
  /// How many states come after the versions.
  var extras = 0

  var newest: UInt8 { UInt8(versions.count) }
  var states: Int { 1 + versions.count + extras }

  /// The state once all calls before `call` are done.
  func state(before call: Int) -> UInt8 {
    UInt8(versions.prefix { $0 < call }.count)
  }
}

/// The uncertain sectors of a file and its uncertain size.
struct UncertainFile: Sendable {
  /// A piece of the file, and its bytes in every state but the first.
  struct Sector: Sendable {
    let offset: Int
    var bytes: [[UInt8]]
  }

  let durable: [UInt8]
  private(set) var sectors: [Sector] = []
  /// The sizes in every state but the first.
  private(set) var sizes: [Int] = []
  /// A unit for each sector, then one for the size if it is uncertain.
  private(set) var units: [CrashUnit] = []

  /// More sectors than this are taken together in twos, fours and so on.
  private static let sectorsMax = 128
  /// A unit keeps no more versions; those between the first and the last half are left out.
  private static let versionsMax = 60
  /// How many writes to a sector may also be found half done.
  private static let tornMax = 4

  init(_ file: CrashState.File, numbers: inout SeededNumbers) {
    durable = file.durable
    let granule = Self.granule(for: file)
    var places: [Int: Int] = [:]
    var torn: [[[UInt8]]] = []
    var size = durable.count
    var sizeUnit = CrashUnit()
    for entry in file.pending {
      let before = size
      let written: Range<Int>
      switch entry.change {
      case .write(let bytes, let offset):
        size = max(size, offset + bytes.count)
        written = offset..<offset + bytes.count
      case .size(let newSize):
        size = newSize
        // What is cut off is zero when the file grows again.
        written = min(size, before)..<before
      }
      if size != before {
        sizes.append(size)
        sizeUnit.versions.append(entry.call)
      }
      guard !written.isEmpty else { continue }
      for index in written.lowerBound / granule...(written.upperBound - 1) / granule {
        let place: Int
        if let known = places[index] {
          place = known
        } else {
          place = sectors.count
          places[index] = place
          sectors.append(Sector(offset: index * granule, bytes: []))
          units.append(CrashUnit())
          torn.append([])
        }
        let start = index * granule
        let old = sectors[place].bytes.last ?? durable.padded(start, granule)
        let part = max(written.lowerBound, start)..<min(written.upperBound, start + granule)
        let new = old.with(entry.change, in: part, from: start)
        if new == old { continue }
        sectors[place].bytes.append(new)
        units[place].versions.append(entry.call)
        if case .write = entry.change {
          torn[place].append(
            old.torn(to: new, in: part.lowerBound - start..<part.upperBound - start))
          torn[place].append(
            old.spoiled(in: part.lowerBound - start..<part.upperBound - start, by: &numbers))
        }
      }
    }
    for place in units.indices { finish(place, torn: torn[place]) }
    if !sizeUnit.versions.isEmpty {
      let kept = Self.thinned(sizeUnit.versions.count)
      sizes = kept.map { sizes[$0] }
      sizeUnit.versions = kept.map { sizeUnit.versions[$0] }
      units.append(sizeUnit)
    }
  }

  private mutating func finish(_ place: Int, torn: [[UInt8]]) {
    let kept = Self.thinned(units[place].versions.count)
    sectors[place].bytes = kept.map { sectors[place].bytes[$0] }
    units[place].versions = kept.map { units[place].versions[$0] }
    // Two for each write: the first ones and the last.
    let half = Self.tornMax
    let extras =
      torn.count <= 2 * half ? torn : Array(torn.prefix(half)) + Array(torn.suffix(half))
    sectors[place].bytes += extras
    units[place].extras = extras.count
  }

  /// Which of so many versions are kept.
  private static func thinned(_ count: Int) -> [Int] {
    if count <= versionsMax { return Array(0..<count) }
    return Array(0..<versionsMax / 2) + Array(count - versionsMax / 2..<count)
  }

  private static func granule(for file: CrashState.File) -> Int {
    var written = 0
    for entry in file.pending {
      switch entry.change {
      case .write(let bytes, _): written += bytes.count
      case .size(let size): written += max(0, file.durable.count - size)
      }
    }
    var granule = 512
    while written / granule > sectorsMax { granule *= 2 }
    return granule
  }

  /// The bytes with each unit in its state.
  func bytes(_ states: ArraySlice<UInt8>) -> [UInt8] {
    var size = durable.count
    if units.count > sectors.count, let state = states.last, state > 0 {
      size = sizes[Int(state) - 1]
    }
    var bytes = durable
    bytes.resize(to: size)
    for (sector, state) in zip(sectors, states) where state > 0 && sector.offset < size {
      let new = sector.bytes[Int(state) - 1]
      bytes.overwrite(
        at: sector.offset,
        with: sector.offset + new.count <= size ? new : Array(new.prefix(size - sector.offset)))
    }
    return bytes
  }
}

extension [UInt8] {
  /// `count` bytes from `start`, with zeros after the end.
  fileprivate func padded(_ start: Int, _ count: Int) -> [UInt8] {
    var bytes = start < self.count ? Array(self[start..<Swift.min(self.count, start + count)]) : []
    bytes.resize(to: count)
    return bytes
  }

  /// A sector at `start` after a change has reached the `part` of the file in it.
  fileprivate func with(_ change: FileChange, in part: Range<Int>, from start: Int) -> [UInt8] {
    var bytes = self
    switch change {
    case .write(let new, let offset):
      bytes.overwrite(
        at: part.lowerBound - start,
        with: Array(new[part.lowerBound - offset..<part.upperBound - offset]))
    case .size:
      bytes.overwrite(
        at: part.lowerBound - start, with: [UInt8](repeating: 0, count: part.count))
    }
    return bytes
  }

  /// Half of a write, cut between words as memory is.
  fileprivate func torn(to new: [UInt8], in part: Range<Int>) -> [UInt8] {
    let middle = (part.lowerBound + part.count / 2) / 8 * 8
    var bytes = self
    if middle > part.lowerBound {
      bytes.overwrite(at: part.lowerBound, with: Array(new[part.lowerBound..<middle]))
    }
    return bytes
  }

  /// Rubbish where something was to be written.
  fileprivate func spoiled(in part: Range<Int>, by numbers: inout SeededNumbers) -> [UInt8] {
    var bytes = self
    var rubbish: [UInt8] = []
    rubbish.reserveCapacity(part.count + 8)
    while rubbish.count < part.count {
      let number = numbers.next()
      for shift in stride(from: 0, to: 64, by: 8) {
        rubbish.append(UInt8(truncatingIfNeeded: number >> UInt64(shift)))
      }
    }
    rubbish.resize(to: part.count)
    bytes.overwrite(at: part.lowerBound, with: rubbish)
    return bytes
  }
}
