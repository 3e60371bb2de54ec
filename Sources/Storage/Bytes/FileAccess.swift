internal import RoostFiles

// What storage asks of files and directories, by the names of FORMAT.md, with the name of the file
// in every error.

extension Directory {
  func create(_ name: FileName) throws(StorageError) -> any File {
    do throws(FileError) { return try create(name.name) } catch { throw .file(error, name) }
  }

  func open(_ name: FileName, writable: Bool = false) throws(StorageError) -> any File {
    do throws(FileError) {
      return try open(name.name, writable: writable)
    } catch {
      throw .file(error, name)
    }
  }

  func rename(_ name: FileName, to newName: FileName) throws(StorageError) {
    do throws(FileError) {
      try rename(name.name, to: newName.name)
    } catch {
      throw .file(error, newName)
    }
  }

  func remove(_ name: FileName) throws(StorageError) {
    do throws(FileError) { try remove(name.name) } catch { throw .file(error, name) }
  }

  /// Makes names durable; an error is about the file whose name it was done for.
  func sync(for name: FileName) throws(StorageError) {
    do throws(FileError) { try sync() } catch { throw .file(error, name) }
  }

  /// The files of a store in it, with their sizes; what no store writes is left out.
  func storeFiles(for name: FileName) throws(StorageError) -> [(name: FileName, size: Int)] {
    let entries: [DirectoryEntry]
    do throws(FileError) { entries = try list() } catch { throw .file(error, name) }
    var files: [(name: FileName, size: Int)] = []
    for entry in entries {
      if let name = FileName(entry.name) { files.append((name, entry.size)) }
    }
    return files
  }
}

extension File {
  func size(of name: FileName) throws(StorageError) -> Int {
    do throws(FileError) { return try size() } catch { throw .file(error, name) }
  }

  func read(_ name: FileName, at offset: Int, count: Int) throws(StorageError) -> [UInt8] {
    do throws(FileError) {
      return try read(at: offset, count: count)
    } catch {
      throw .file(error, name)
    }
  }

  func load(_ name: FileName) throws(StorageError) -> Bytes {
    do throws(FileError) { return try load() } catch { throw .file(error, name) }
  }

  func write(_ bytes: [UInt8], at offset: Int, of name: FileName) throws(StorageError) {
    do throws(FileError) {
      try write(bytes, at: offset)
    } catch {
      throw .file(error, name)
    }
  }

  func truncate(_ name: FileName, to size: Int) throws(StorageError) {
    do throws(FileError) { try truncate(to: size) } catch { throw .file(error, name) }
  }

  func sync(_ name: FileName) throws(StorageError) {
    do throws(FileError) { try sync() } catch { throw .file(error, name) }
  }
}
