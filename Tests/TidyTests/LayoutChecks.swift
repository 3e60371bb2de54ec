// Where files may be, what they may be called, and what of a developer's own machine must not get
// into them. The addresses are put together from parts, so that this file passes its own search.

/// What lies at the top besides dot-files.
private let topLevel: Set<String> = [
  "Package.swift", "Sources", "Tests", "Benchmarks", "Fuzz", "FORMAT.md", "README.md",
]

/// The extensions each folder may hold; none stands for a script.
private let extensions: [(folder: String, allowed: Set<String>)] = [
  ("Sources/Roost/Roost.docc/", ["md", "tutorial", "svg", "png", "json", "swift"]),
  ("Sources/CFiles/", ["c", "h", "modulemap", "md"]),
  ("Sources/CKernels/", ["c", "h", "modulemap", "md"]),
  ("Sources/CLZ4/", ["h", "modulemap", "md"]),
  // The module for Python calls the functions of C, and is installed with them.
  ("Sources/CABI/Python/roost/", ["py", "typed"]),
  // The installer gives the library the name that others link with.
  ("Sources/CABI/", ["swift", "md", ""]),
  ("Sources/CRoost/", ["h", "modulemap", "md"]),
  ("Sources/Connectors/CPostgres/", ["h", "modulemap", "md"]),
  ("Sources/Connectors/CSQLite/", ["h", "modulemap", "md"]),
  ("Sources/Connectors/", ["swift", "md"]),
  ("Sources/", ["swift", "md"]),
  ("Tests/ContractSuite/", ["swift", "md"]),
  ("Tests/Examples/Search/", ["swift"]),
  ("Tests/Examples/Follower/", ["swift"]),
  ("Tests/Examples/Server/", ["swift"]),
  ("Tests/Fixtures/", ["txt"]),
  ("Tests/", ["swift", "md", "json", "c", "h", "bin", "py", ""]),
  ("Fuzz/", ["swift", "md", "dict", ""]),
  ("Benchmarks/Run/", ["swift", "md"]),
  // Lists of packages with their hashes, in the form that pip reads.
  ("Benchmarks/pins/", ["txt"]),
  // A folder a run: its report, every measurement, and the plots.
  ("Benchmarks/results/", ["md", "json", "svg"]),
  ("Benchmarks/", ["swift", "md", "json", "jsonl", "py", ""]),
]

/// The last word of a name that says nothing about what is inside.
private let emptyNames: Set<String> = [
  "Utils", "Util", "Utilities", "Helpers", "Helper", "Manager", "Managers", "Misc", "New",
]

func placeComplaints(path: String) -> [Complaint] {
  let parts = path.split(separator: "/").map(String.init)
  guard let top = parts.first, let name = parts.last else { return [] }
  var complaints: [Complaint] = []
  let isFolder = parts.count > 1
  let expectsFolder = !top.contains(".")
  if !top.hasPrefix(".") && (!topLevel.contains(top) || isFolder != expectsFolder) {
    return [
      Complaint(
        .layout, path, 1, "lies at the top level as \(top)",
        topLevel.sorted().joined(separator: ", ") + " and dot-files only")
    ]
  }
  if !name.hasPrefix("."), !isData(path),
    let rule = extensions.first(where: { path.hasPrefix($0.folder) }),
    !rule.allowed.contains(fileExtension(name))
  {
    let known = rule.allowed.filter { !$0.isEmpty }.sorted().joined(separator: ", ")
    complaints.append(
      Complaint(.layout, path, 1, "is a stray file", "\(rule.folder) holds \(known)"))
  }
  let stem = name.split(separator: ".").first.map(String.init) ?? ""
  if emptyNames.contains(lastWord(of: stem)) {
    complaints.append(
      Complaint(
        .layout, path, 1, "is called \(name)", "the name of the thing or chapter it holds"))
  }
  return complaints
}

private func isData(_ path: String) -> Bool { FileKind(path: path) == .data }

/// `StringUtils` and `Store+Utils` end with the word `Utils`.
private func lastWord(of stem: String) -> String {
  guard let start = stem.lastIndex(where: { $0.isUppercase || $0 == "+" || $0 == "-" }) else {
    return stem
  }
  return String(stem[start...].drop { $0 == "+" || $0 == "-" })
}

// MARK: - Addresses

private let homes = ["work", "home", "root", "Users"].map { "/" + $0 + "/" }

private let registries = [
  "pypi", "pythonhosted", "debian", "ubuntu", "github", "githubusercontent", "npmjs", "docker",
  "crates",
].map { name in
  switch name {
  case "debian": "deb.debian" + ".org"
  case "ubuntu": "archive.ubuntu" + ".com"
  case "pypi", "pythonhosted", "npmjs": name + ".org"
  case "docker", "crates": name + ".io"
  default: name + ".com"
  }
}

/// What ties the text to one machine, or the build to somebody's server.
///
/// Prose may link where it likes.
func addressComplaints(path: String, kind: FileKind, lines: [Substring]) -> [Complaint] {
  var complaints: [Complaint] = []
  for (index, line) in lines.enumerated() {
    // Nearly every line is done with here.
    guard line.utf8.contains(UInt8(ascii: "/")) || line.utf8.contains(UInt8(ascii: ".")) else {
      continue
    }
    for home in homes where startsPath(home, in: line) {
      complaints.append(
        Complaint(
          .layout, path, index + 1, "names \(home)", "paths that hold on every machine"))
    }
    guard kind != .prose else { continue }
    for host in registries where line.containsWord(host) {
      complaints.append(
        Complaint(
          .layout, path, index + 1, "names \(host)", "a build that asks nobody for packages"))
    }
  }
  return complaints
}

/// Whether an absolute path begins with `home`: what stands before is no part of a longer path.
private func startsPath(_ home: String, in line: Substring) -> Bool {
  line.places(of: home).contains { range in
    guard range.lowerBound > line.startIndex else { return true }
    let before = line.utf8[line.utf8.index(before: range.lowerBound)]
    return !isNameByte(before) && !".-)}".utf8.contains(before)
  }
}
