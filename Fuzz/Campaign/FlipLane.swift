import RoostContract
import RoostEngine
import RoostFiles

// Lanes 6 and 7: every byte of a store is damaged in every way that disks and people damage files.
// What comes out is what the store answers while it is well, or an error that says so: never other
// rows, fewer rows or a trap. Files that the store can do without change no answer at all.

extension Lane {
  static let flips = Lane(
    name: "flips",
    sentence: "any changed bit, byte or sector is found, or changes no answer"
  ) { run in
    let bench = try DamageBench(run)
    var damages: [Damage] = []
    for file in bench.files {
      let structure = bench.structure(of: file)
      switch run.size {
      case .nightly: damages += (0..<file.bytes.count * 8).map { .flip(file.name, bit: $0) }
      case .pr, .tiny:
        let step = run.size == .pr ? 1 : 13
        for offset in structure where offset % step == 0 {
          damages.append(.flip(file.name, bit: offset * 8 + bench.chance(8)))
        }
      }
      for offset in structure where run.size != .tiny || offset % 29 == 0 {
        damages.append(.set(file.name, at: offset, 0))
        damages.append(.set(file.name, at: offset, 0xFF))
      }
      damages += bench.sectorDamages(of: file, everyWhich: run.size == .tiny ? 11 : 1)
    }
    if run.size != .nightly {
      for _ in 0..<(run.size == .pr ? 20_000 : 400) { damages.append(bench.someFlip()) }
    }
    try bench.run(damages, &run)
  }

  static let truncation = Lane(
    name: "truncation",
    sentence: "any file that is cut off, longer, missing or another one is found, or not needed"
  ) { run in
    let bench = try DamageBench(run)
    var damages: [Damage] = []
    for file in bench.files {
      let step = run.size == .nightly ? 1 : run.size == .pr ? 97 : 1_999
      var lengths = Set(stride(from: 0, to: file.bytes.count, by: step))
      for edge in bench.edges(of: file) {
        for length in [edge - 1, edge, edge + 1] where (0..<file.bytes.count).contains(length) {
          lengths.insert(length)
        }
      }
      damages += lengths.sorted().map { .cut(file.name, to: $0) }
      let additions =
        run.size == .nightly
        ? Array(1...4_096) : [1, 7, 8, 39, 40, 41, 63, 64, 512, 4_095, 4_096]
      for count in additions {
        damages.append(.extend(file.name, by: count, isGarbage: false))
        damages.append(.extend(file.name, by: count, isGarbage: true))
      }
      damages += [.remove(file.name), .older(file.name), .foreign(file.name)]
    }
    try bench.run(damages, &run)
  }
}

/// A way to damage a file.
private enum Damage: Sendable, CustomStringConvertible {
  case flip(String, bit: Int)
  case set(String, at: Int, UInt8)
  /// Sectors of 512 bytes: zeros, another one of the file, two that change places, one of the
  /// file as it was, one of another store's.
  case zeroed(String, sector: Int)
  case copied(String, sector: Int, from: Int)
  case swapped(String, sector: Int, with: Int)
  case staleSector(String, sector: Int)
  case foreignSector(String, sector: Int)
  case cut(String, to: Int)
  case extend(String, by: Int, isGarbage: Bool)
  case remove(String)
  case older(String)
  case foreign(String)

  var file: String {
    switch self {
    case .flip(let file, _), .set(let file, _, _), .zeroed(let file, _), .copied(let file, _, _),
      .swapped(let file, _, _), .staleSector(let file, _), .foreignSector(let file, _),
      .cut(let file, _), .extend(let file, _, _), .remove(let file), .older(let file),
      .foreign(let file):
      file
    }
  }

  var description: String {
    switch self {
    case .flip(let file, let bit): "\(file):flip:\(bit / 8).\(bit % 8)"
    case .set(let file, let place, let byte): "\(file):set:\(place):\(byte)"
    case .zeroed(let file, let sector): "\(file):zeroed:\(sector)"
    case .copied(let file, let sector, let other): "\(file):copied:\(sector):\(other)"
    case .swapped(let file, let sector, let other): "\(file):swapped:\(sector):\(other)"
    case .staleSector(let file, let sector): "\(file):stale:\(sector)"
    case .foreignSector(let file, let sector): "\(file):foreign:\(sector)"
    case .cut(let file, let length): "\(file):cut:\(length)"
    case .extend(let file, let count, let isGarbage):
      "\(file):\(isGarbage ? "garbage" : "zeros"):\(count)"
    case .remove(let file): "\(file):removed"
    case .older(let file): "\(file):older"
    case .foreign(let file): "\(file):other-store"
    }
  }
}

/// A golden store, and what is done to it.
private final class DamageBench: Sendable {
  struct GoldenFile: Sendable {
    let name: String
    let bytes: [UInt8]
  }

  private let golden: GoldenStore
  private let foreign: GoldenStore
  private let seed: UInt64
  private let only: String?
  private let lane: String
  private let chances: Monitor<SeededNumbers>
  let files: [GoldenFile]

  init(_ run: Run) throws {
    golden = try GoldenStore(seed: 11)
    foreign = try GoldenStore(seed: 12)
    seed = run.seed
    only = run.only
    lane = "flips truncation"
    chances = Monitor(SeededNumbers(seed: run.seed))
    let image = golden.image
    files = image.names(in: "/store").map { name in
      GoldenFile(name: name, bytes: image.bytes(of: name, in: "/store") ?? [])
    }
  }

  func chance(_ bound: Int) -> Int { chances.withLock { Int($0.next() % UInt64(bound)) } }

  func someFlip() -> Damage {
    let total = files.reduce(0) { $0 + $1.bytes.count }
    var place = chance(total)
    for file in files {
      if place < file.bytes.count { return .flip(file.name, bit: place * 8 + chance(8)) }
      place -= file.bytes.count
    }
    return .flip("MANIFEST", bit: 0)
  }

  // MARK: Where it hurts

  /// The bytes that say where others are.
  func structure(of file: GoldenFile) -> [Int] {
    let count = file.bytes.count
    if file.name.hasSuffix(".seg") {
      return Array(0..<128) + Array(max(128, count - 512)..<count)
    }
    if file.name.hasSuffix(".idx") {
      // The header, that of the image, and the footer.
      return Array(0..<128) + Array(4_096..<4_352) + Array(count - 512..<count)
    }
    if file.name.hasSuffix(".wal") {
      return Array(0..<128) + records(of: file).flatMap { Array($0..<min($0 + 40, count)) }
    }
    return file.name == "RESERVE" ? Array(0..<8) : Array(0..<count)
  }

  /// Where parts of a file begin and end.
  func edges(of file: GoldenFile) -> [Int] {
    if file.name.hasSuffix(".wal") {
      return [128, 4_096] + records(of: file).flatMap { [$0, $0 + 40] } + [file.bytes.count]
    }
    return [64, 128] + Array(stride(from: 0, through: file.bytes.count, by: 4_096))
      + [file.bytes.count - 128, file.bytes.count]
  }

  private func records(of file: GoldenFile) -> [Int] {
    var places: [Int] = []
    var place = 4_096
    while place + 40 <= file.bytes.count {
      places.append(place)
      let length = (0..<4).reduce(0) { $0 | Int(file.bytes[place + 8 + $1]) << (8 * $1) }
      place += (40 + length + 7) / 8 * 8
    }
    return places
  }

  func sectorDamages(of file: GoldenFile, everyWhich step: Int) -> [Damage] {
    let count = (file.bytes.count + 511) / 512
    var damages: [Damage] = []
    for sector in stride(from: 0, to: count, by: step) {
      let other = chance(count)
      damages += [
        .zeroed(file.name, sector: sector),
        .copied(file.name, sector: sector, from: (sector + 1) % count),
        .copied(file.name, sector: sector, from: other),
        .swapped(file.name, sector: sector, with: other),
        .staleSector(file.name, sector: sector), .foreignSector(file.name, sector: sector),
      ]
    }
    return damages
  }

  // MARK: Doing it

  /// The disk with the damage; nil when it changes nothing.
  private func image(_ damage: Damage) -> DiskImage? {
    var image = golden.image
    let name = damage.file
    guard let right = image.bytes(of: name, in: "/store") else { return nil }
    var bytes = right
    func sector(_ number: Int, of bytes: [UInt8]) -> [UInt8] {
      Array(bytes.dropFirst(number * 512).prefix(512))
    }
    func put(_ new: [UInt8], at number: Int) {
      for (index, byte) in new.enumerated() where number * 512 + index < bytes.count {
        bytes[number * 512 + index] = byte
      }
    }
    switch damage {
    case .flip(_, let bit): bytes[bit / 8] ^= 1 << UInt8(bit % 8)
    case .set(_, let place, let byte): bytes[place] = byte
    case .zeroed(_, let number): put([UInt8](repeating: 0, count: 512), at: number)
    case .copied(_, let number, let other): put(sector(other, of: right), at: number)
    case .swapped(_, let number, let other):
      put(sector(other, of: right), at: number)
      put(sector(number, of: right), at: other)
    case .staleSector(_, let number):
      put(sector(number, of: golden.older.bytes(of: name, in: "/store") ?? []), at: number)
    case .foreignSector(_, let number):
      put(sector(number, of: foreign.image.bytes(of: name, in: "/store") ?? []), at: number)
    case .cut(_, let length): bytes = Array(bytes.prefix(length))
    case .extend(_, let count, let isGarbage):
      var numbers = SeededNumbers(seed: seed ^ UInt64(count))
      bytes += (0..<count).map { _ in isGarbage ? UInt8(truncatingIfNeeded: numbers.next()) : 0 }
    case .remove:
      image.remove(name, in: "/store")
      return image
    case .older:
      guard let old = golden.older.bytes(of: name, in: "/store") else { return nil }
      bytes = old
    case .foreign:
      guard let other = foreign.image.bytes(of: name, in: "/store") else { return nil }
      bytes = other
    }
    guard bytes != right else { return nil }
    image.setBytes(bytes, of: name, in: "/store")
    return image
  }

  func run(_ damages: [Damage], _ run: inout Run) throws {
    var chosen = damages
    if let only { chosen = chosen.filter { $0.description.hasPrefix(only) } }
    let all = chosen
    let workers = Workers()
    try workers.run(all.count) { index in
      guard let image = self.image(all[index]) else { return workers.count("changes nothing") }
      let clock = ContinuousClock()
      let start = clock.now
      for problem in self.look(at: image, all[index], index, workers) {
        workers.violate(
          "\(all[index]): \(problem); again: roost-campaign \(self.lane) --seed \(self.seed)"
            + " --only \(all[index])")
      }
      workers.count("damages")
      if start.duration(to: clock.now) > .seconds(1) { workers.count("damages that took a second") }
    }
    run.report("files", files.map { "\($0.name) \($0.bytes.count)" }.joined(separator: ", "))
    run.report("bytes", files.reduce(0) { $0 + $1.bytes.count })
    workers.report(to: &run)
  }

  // MARK: Looking

  /// Whether a store is one and the same without this file.
  private func isSpare(_ name: String) -> Bool {
    name == "STATE" || name == "LOCK" || name == "RESERVE" || name.hasPrefix("MANIFEST.g")
      || name.hasPrefix("t-")
  }

  private func look(
    at image: DiskImage, _ damage: Damage, _ index: Int, _ workers: Workers
  ) -> [String] {
    var problems: [String] = []
    var isFound = look(at: image, .readWrite, .mapped, damage, workers, &problems)
    isFound = look(at: image, .readWrite, .copied, damage, workers, &problems) || isFound
    if index % 4 == 0 {
      isFound = look(at: image, .readOnly, .mapped, damage, workers, &problems) || isFound
    }
    var isReported = false
    do {
      let disk = SimulatedFileSystem(image: image, seed: seed)
      isReported = try !Store.check(at: "/store", full: true, on: disk).isOK
      if disk.image() != image { problems.append("a check changes the disk") }
      if disk.openHandles != 0 { problems.append("a check leaves handles open") }
    } catch {
      if isSpare(damage.file) || !isDamage(error) { problems.append("a check ends with \(error)") }
      isReported = true
    }
    if isReported, isSpare(damage.file) { problems.append("a check complains of a spare file") }
    if isFound, !isReported { problems.append("it is found, and a full check is content") }
    if isReported {
      workers.count("reported by a full check")
    } else {
      workers.count("in no way to be told, no answer changed")
      if !mayBeUnseen(damage) { problems.append("a full check is content") }
    }
    return problems
  }

  /// Damage that leaves a store that is in order.
  private func mayBeUnseen(_ damage: Damage) -> Bool {
    if isSpare(damage.file) { return true }
    guard damage.file.hasSuffix(".wal"), let log = files.first(where: { $0.name == damage.file })
    else { return false }
    let logs = files.filter { $0.name.hasSuffix(".wal") }
    if logs.last?.name != log.name {
      // The next log says where this one ends; its seal says it once more.
      let seal = records(of: log).last ?? 0
      switch damage {
      case .flip(_, let bit): return bit / 8 >= seal
      case .set(_, let place, _): return place >= seal
      case .cut(_, let length): return length >= seal
      case .zeroed(_, let sector), .copied(_, let sector, _), .staleSector(_, let sector),
        .foreignSector(_, let sector):
        return (sector + 1) * 512 > seal
      default: return false
      }
    }
    // Behind the end of the last log anything may stand that a power cut could leave.
    if case .extend = damage { return true }
    return false
  }

  private func isDamage(_ error: any Error) -> Bool {
    guard let error = error as? StoreError else { return false }
    return error.code == .corrupted || error.code == .unsupported
  }

  /// Opens a damaged store and asks it everything; whether the damage showed.
  private func look(
    at image: DiskImage, _ access: StoreOptions.Access, _ reading: StoreOptions.Reading,
    _ damage: Damage, _ workers: Workers, _ problems: inout [String]
  ) -> Bool {
    let disk = SimulatedFileSystem(image: image, seed: seed)
    do {
      let store = try Store.open(
        at: "/store", on: disk, options: GoldenStore.options(access, reading))
      let found = Answers(of: store)
      if let wrong = found.wrong(besides: golden.answers) {
        problems.append("\(access) \(reading): \(wrong)")
      }
      if found.isPartlyRefused, isSpare(damage.file) {
        problems.append("\(access) \(reading): it refuses to answer without a spare file")
      }
      do {
        try store.close()
      } catch {
        if !isDamage(error) { problems.append("\(access) \(reading): closing: \(error)") }
      }
      if disk.openHandles != 0 {
        problems.append("\(access) \(reading): \(disk.openHandles) handles stay open")
      }
      workers.count(found.isPartlyRefused ? "opened, some refused" : "opened, the same answers")
      return found.isPartlyRefused
    } catch {
      if isSpare(damage.file) || !isDamage(error) {
        problems.append("\(access) \(reading): opening: \(error)")
      }
      if disk.openHandles != 0 {
        problems.append("\(access) \(reading): refused, and \(disk.openHandles) handles stay open")
      }
      let after = disk.image()
      for name in Set(image.names(in: "/store") + after.names(in: "/store"))
      where name != "LOCK"
        && image.bytes(of: name, in: "/store") != after.bytes(of: name, in: "/store")
      {
        problems.append("\(access) \(reading): refused, and \(name) is changed")
      }
      workers.count("refused to open")
      return true
    }
  }
}
