import Testing

@Suite("Swift source is read well enough")
struct SwiftTextTests {
  @Test(
    "every way to write an import is found",
    arguments: [
      "import Glibc",
      "  import   Glibc  // why",
      "internal import Glibc",
      "@testable import Glibc",
      "@_exported public import Glibc",
      "@_spi(Inner) @preconcurrency import Glibc",
      "@_implementationOnly\nimport Glibc",
      "import struct Glibc.stat",
      "public import func Glibc.open",
      "import Glibc.C.stdio",
      "import `Glibc`",
      "import /* the */ Glibc",
      "import\n  Glibc",
      "let one = 1; import Glibc",
      "import Glibc; let one = 1",
      "#if canImport(Glibc)\nimport Glibc\n#endif",
      "#if os(Linux)\n  import Glibc\n#else\n#endif",
      "let url = \"https://a.b\"\nimport Glibc",
      "let quote = \"\\\"\"; import Glibc",
      "let raw = #\"\"\"#; import Glibc",
      "let raw = #\"a\\\"#; import Glibc",
      "let deep = \"\\(names[\"a\"] ?? \"\\(1)\")\"; import Glibc",
      "let text = \"\"\"\n  \"a\" // no\n  \"\"\"\nimport Glibc",
      "/* one /* two */ still */ import Glibc",
      "let half = a / b  // \"\nimport Glibc",
      "let ratio = (a + b) / c / \"/*\".count; import Glibc",
      "let pattern = /\"/; import Glibc",
      "let pattern = #/ \" /* /#; import Glibc",
      "let pattern = try /[*]\"\\//; import Glibc",
    ])
  func importIsFound(_ source: String) {
    let text = SwiftText(source)
    #expect(text.imports.map(\.module) == ["Glibc"])
    #expect(text.brokenLine == nil)
  }

  @Test(
    "what only looks like an import is none",
    arguments: [
      "// import Glibc",
      "/// import Glibc",
      "/* import Glibc */",
      "/*\n/* a */\nimport Glibc\n*/",
      "let text = \"import Glibc\"",
      "let text = \"\"\"\n  import Glibc\n  \"\"\"",
      "let text = #\"\"; import Glibc\"#",
      "let text = \"\\\"; import Glibc\"",
      "let text = ##\"\"\"\n\"\"\"#\nimport Glibc\n\"\"\"##",
      "let pattern = #/ import Glibc /#",
      "let pattern = /import Glibc/",
      "call(import: Glibc)",
      "func read(import Glibc: Int) {}",
      "value.import\nGlibc.open()",
      "let `import` = Glibc",
      "important Glibc",
      "let import2 = 1",
    ])
  func noImportIsFound(_ source: String) {
    let text = SwiftText(source)
    #expect(text.imports.isEmpty)
    #expect(text.brokenLine == nil)
  }

  @Test("imports are named with their lines, whatever stands above")
  func lines() {
    let source = "/*\n\n*/\nlet a = \"\"\"\n  \\(b)\n  \"\"\"\nimport One\n\nimport class Two.C\n"
    #expect(
      SwiftText(source).imports == [
        Import(module: "One", line: 7), Import(module: "Two", line: 9),
      ])
  }

  @Test("code inside an interpolation is code")
  func interpolation() {
    let words = SwiftText("\"a \\(try! f(\"b \\(c)\")) d\"").tokens.filter { $0.kind == .word }
    #expect(words.map(\.text) == ["try", "f", "c"])
  }

  @Test(
    "text that does not end is noticed where it begins",
    arguments: ["\n/* a", "\nlet a = \"b", "\nlet a = \"\"\"\nb", "\nlet a = #\"b\"", "\nlet `a"])
  func brokenText(_ source: String) {
    #expect(SwiftText(source).brokenLine == 2)
  }
}
