internal import CKernels

/// What a disk holds when no power is on: a value, which shares its bytes with its copies.
package struct DiskImage: Sendable {
  /// The files in each directory by name; two names with one number are two links to one file.
  private(set) var folders: [String: [String: Int]]
  private(set) var files: [Int: FileContent]
  /// Known when the image was put together from parts with known hashes.
  private var knownHash: UInt64?

  /// Bytes of a file, and their hash where it is known.
  struct FileContent: Sendable {
    var bytes: [UInt8]
    var hash: UInt64?

    var contentHash: UInt64 { hash ?? Self.hash(of: bytes) }

    static func hash(of bytes: [UInt8]) -> UInt64 {
      unsafe bytes.withUnsafeBytes { unsafe roost_hash64(0, $0.baseAddress, $0.count) }
    }
  }

  init(folders: [String: [String: Int]], files: [Int: FileContent], hash: UInt64? = nil) {
    self.folders = folders
    self.files = files
    knownHash = hash
  }

  /// An empty disk with the directory `/`.
  package init() { self.init(folders: ["/": [:]], files: [:]) }

  // MARK: Reading

  /// The paths of its directories, in order.
  package var directories: [String] { folders.keys.sorted() }

  /// The names of the files in a directory, in order.
  package func names(in directory: String) -> [String] {
    (folders[directory] ?? [:]).keys.sorted()
  }

  /// The bytes of a file; nil when it is not there.
  package func bytes(of name: String, in directory: String) -> [UInt8]? {
    folders[directory]?[name].flatMap { files[$0]?.bytes }
  }

  /// A number that differs, but for chance, when anything in the image differs.
  package var hash64: UInt64 {
    if let knownHash { return knownHash }
    var hash: UInt64 = 0
    for (path, entries) in folders {
      hash &+= Self.hash(ofFolder: path)
      var links: [Int: Int] = [:]
      for node in entries.values { links[node, default: 0] += 1 }
      for (name, node) in entries {
        hash &+= Self.hash(
          ofName: Self.hash(ofName: name, in: path), content: files[node]?.contentHash ?? 0,
          links: links[node] ?? 1)
      }
    }
    return hash
  }

  static func hash(ofFolder path: String) -> UInt64 { hash(ofName: "", in: path) }

  static func hash(ofName name: String, in path: String) -> UInt64 {
    FileContent.hash(of: Array(path.utf8) + [0] + Array(name.utf8))
  }

  static func hash(ofName name: UInt64, content: UInt64, links: Int) -> UInt64 {
    SeededNumbers.mixed(name ^ SeededNumbers.mixed(content &+ UInt64(links)))
  }

  // MARK: Spoiling

  /// Puts bytes in the place of a file's, under all of its names; adds the file when it is not
  /// there.
  package mutating func setBytes(_ bytes: [UInt8], of name: String, in directory: String) {
    knownHash = nil
    let node = folders[directory]?[name] ?? (files.keys.max() ?? 0) + 1
    folders[directory, default: [:]][name] = node
    files[node] = FileContent(bytes: bytes)
  }

  /// Takes a name away.
  package mutating func remove(_ name: String, in directory: String) {
    knownHash = nil
    folders[directory]?[name] = nil
  }
}

extension DiskImage: Equatable {
  /// Whether they have the same directories, names, links and bytes.
  package static func == (a: DiskImage, b: DiskImage) -> Bool {
    guard a.folders.count == b.folders.count else { return false }
    var partners: [Int: Int] = [:]
    for (path, entries) in a.folders {
      guard let others = b.folders[path], others.count == entries.count else { return false }
      for (name, node) in entries {
        guard let other = others[name] else { return false }
        if let partner = partners.updateValue(other, forKey: node) {
          if partner != other { return false }
        } else if a.files[node]?.bytes != b.files[other]?.bytes {
          return false
        }
      }
    }
    return Set(partners.values).count == partners.count
  }
}

extension SimulatedDisk {
  /// Puts an image on an empty disk, all of it durable.
  mutating func load(_ image: DiskImage) {
    var numbers: [Int: Int] = [:]
    // In order, so that the same image makes the same disk in every process.
    for (path, entries) in image.folders.sorted(by: { $0.key < $1.key }) {
      var loaded: [String: Int] = [:]
      for (name, old) in entries.sorted(by: { $0.key < $1.key }) {
        let id: Int
        if let known = numbers[old] {
          id = known
        } else {
          id = number()
          numbers[old] = id
          let bytes = image.files[old]?.bytes ?? []
          nodes[id] = SimulatedNode(id: id, name: name, bytes: bytes)
          used += bytes.count
        }
        nodes[id]?.links += 1
        loaded[name] = id
      }
      if path == "/", let root = paths["/"].flatMap({ folders[$0] }) {
        root.entries = loaded
        root.durable = loaded
      } else {
        addFolder(path, entries: loaded)
      }
    }
  }

  /// All that the programs see.
  func image() -> DiskImage {
    var found: [String: [String: Int]] = [:]
    var files: [Int: DiskImage.FileContent] = [:]
    for folder in folders.values {
      guard let path = folder.path else { continue }
      found[path] = folder.entries
      for id in folder.entries.values where files[id] == nil {
        files[id] = DiskImage.FileContent(bytes: nodes[id]?.bytes ?? [])
      }
    }
    return DiskImage(folders: found, files: files)
  }
}
