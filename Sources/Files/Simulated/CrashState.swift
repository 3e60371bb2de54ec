/// What is certain on a disk at some moment, and what a power cut could have left as well.
package struct CrashState: Sendable {
  struct Folder: Sendable {
    let path: String
    let durable: [String: Int]
    let pending: [PendingEntryChange]
  }

  struct File: Sendable {
    let number: Int
    let durable: [UInt8]
    let pending: [PendingFileChange]
  }

  /// How many calls there had been.
  package let calls: Int
  let folders: [Folder]
  let files: [File]

  /// Whether a power cut could leave anything else but what is certain.
  package var isCertain: Bool {
    folders.allSatisfy { $0.pending.isEmpty } && files.allSatisfy { $0.pending.isEmpty }
  }

  /// The disks that a power cut at this moment could leave, no two the same.
  ///
  /// The units are: each change of a name, each sector of 512 bytes that was written and not
  /// synced, and each change of a size that was not synced. Any of them may be lost or kept,
  /// whatever happens to the others. First come all kept, none kept, and all kept up to each call.
  /// Then each unit alone lost, kept, or in between: a sector half written, full of rubbish or as
  /// it was between two writes, a rename with both names there. When there are at most twelve
  /// units, all sets of kept units follow; then `samples` sets drawn by lot from everything.
  package func images(
    limit: Int = 10_000, seed: UInt64 = 1, samples: Int = 256
  ) -> CrashImages {
    CrashImages(of: self, limit: limit, seed: seed, samples: samples)
  }
}

extension SimulatedDisk {
  func crashState() -> CrashState {
    precondition(isWatched, "only a watched disk knows what a power cut leaves")
    var found: [CrashState.Folder] = []
    var reachable: Set<Int> = []
    for folder in folders.values {
      guard let path = folder.path else { continue }
      found.append(
        CrashState.Folder(path: path, durable: folder.durable, pending: folder.pending))
      reachable.formUnion(folder.durable.values)
      for entry in folder.pending {
        switch entry.change {
        case .add(_, let node), .move(_, _, let node): reachable.insert(node)
        case .remove: break
        }
      }
    }
    found.sort { $0.path < $1.path }
    let files = reachable.sorted().compactMap { nodes[$0] }.map {
      CrashState.File(number: $0.id, durable: $0.durable, pending: $0.pending)
    }
    return CrashState(calls: calls, folders: found, files: files)
  }
}
