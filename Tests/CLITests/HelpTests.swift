import Foundation
import Testing

@testable import RoostCLI

@Suite("The manual")
struct HelpTests {
  static let names = [
    "create", "import", "export", "index", "search", "get", "delete", "info", "health", "check",
    "repair", "compact", "backup", "restore", "bench", "demo", "filter", "completions",
  ]

  @Test("lists every command, and only those that are there")
  func overview() throws {
    let bed = try ProgramBed()
    let help = try bed.roost("--help")
    #expect(help.status == 0)
    #expect(help.err.isEmpty)
    let listed = help.lines.filter { $0.hasPrefix("  ") }
      .compactMap { $0.split(separator: " ").first.map(String.init) }
      .filter { Self.names.contains($0) || ["mirror", "replicate"].contains($0) }
    #expect(listed == Self.names)
    #expect(RoostCommand.commands.map(\.name) == Self.names)
    #expect(try bed.roost("help").out == help.out)
    #expect(try bed.roost("--version").out.hasPrefix("roost "))
  }

  @Test("of a command tells every option, an example and the exit status", arguments: names)
  func page(_ name: String) throws {
    let bed = try ProgramBed()
    let page = try bed.roost(name, "--help")
    #expect(page.status == 0)
    #expect(page.err.isEmpty)
    for part in ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXAMPLES", "EXIT STATUS"] {
      #expect(page.lines.contains { $0 == part }, "\(name) lacks \(part)")
    }
    let command = try #require(RoostCommand.commands.first { $0.name == name })
    for option in command.allOptions {
      let line = "  " + option.names.joined(separator: ", ") + (option.value.map { " " + $0 } ?? "")
      #expect(page.lines.contains { $0 == line }, "\(name) lacks \(line)")
    }
    #expect(!command.examples.isEmpty)
    for line in page.lines where !line.hasPrefix("      roost") && !line.contains(" | ") {
      #expect(line.count <= 80, "\(line)")
    }
    // Help is given whatever else stands there, and never does the work.
    #expect(try bed.roost(name, "somewhere", "-h").out == page.out)
    #expect(try bed.roost("help", name).out == page.out)
    #expect(!bed.has("somewhere"))
  }

  @Test("is completed by every shell", arguments: ["bash", "zsh", "fish"])
  func completions(_ shell: String) throws {
    let bed = try ProgramBed()
    let script = try bed.roost("completions", shell)
    #expect(script.status == 0)
    for command in RoostCommand.commands {
      #expect(script.out.contains(command.name))
      for option in command.allOptions {
        let name =
          shell == "fish" ? "-l " + option.name.drop { $0 == "-" } : option.name
        #expect(script.out.contains(name), "\(shell) lacks \(option.name)")
        for choice in option.choices { #expect(script.out.contains(choice)) }
      }
    }
  }

  /// What bash offers for the last of some words.
  private func offered(_ words: [String], _ bed: ProgramBed) throws -> [String] {
    let list = words.map { "'\($0)'" }.joined(separator: " ")
    try bed.write(
      "ask",
      "source ./completions\nCOMP_WORDS=(\(list))\nCOMP_CWORD=\(words.count - 1)\n_roost\n"
        + "printf '%s\\n' \"${COMPREPLY[@]}\"\n")
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["bash", "ask"]
    process.currentDirectoryURL = URL(fileURLWithPath: bed.path)
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let bytes = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
  }

  @Test("is what bash offers")
  func bash() throws {
    let bed = try ProgramBed()
    try bed.write("completions", try bed.roost("completions", "bash").out)
    #expect(try offered(["roost", "in"], bed) == ["index", "info"])
    #expect(try offered(["roost", "import", "--me"], bed) == ["--metadata", "--metric"])
    #expect(
      try offered(["roost", "create", "s", "c", "--metric", ""], bed)
        == ["cosine", "l2", "inner_product"])
    #expect(try offered(["roost", "index", "s", "c", "hn"], bed) == ["hnsw"])
    #expect(try offered(["roost", "import", "s", "c", "compl"], bed) == ["completions"])
    #expect(try offered(["roost", "import", "--vectors", "compl"], bed) == ["completions"])
    #expect(try offered(["roost", "import", "--batch", ""], bed).isEmpty)
  }
}
