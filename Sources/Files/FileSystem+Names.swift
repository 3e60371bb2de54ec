/// Whether a name is a single component that every file system can hold.
func isFileName(_ name: String) -> Bool {
  let bytes = name.utf8
  guard !bytes.isEmpty, bytes.count <= 255, name != ".", name != ".." else { return false }
  return !bytes.contains { $0 == 0 || $0 == UInt8(ascii: "/") }
}

/// A path without what stands for nothing at its end, taken from `folder` when it is relative.
///
/// A slash at the end would make the system follow a symbolic link. Nil for paths that C would read
/// differently.
func normalizedPath(_ path: String, in folder: String) -> String? {
  guard !path.isEmpty, !path.utf8.contains(0) else { return nil }
  var path = path.hasPrefix("/") ? path : folder + "/" + path
  while path.utf8.count > 1, path.hasSuffix("/") { path.removeLast() }
  return path
}

/// The folder and the name of a normalized path; nil for the root.
func splitPath(_ path: String) -> (folder: String, name: String)? {
  guard let slash = path.lastIndex(of: "/") else { return nil }
  let name = String(path[path.index(after: slash)...])
  let folder = String(path[..<slash])
  return name.isEmpty ? nil : (folder.isEmpty ? "/" : folder, name)
}
