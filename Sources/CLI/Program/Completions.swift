import Roost

/// `roost completions`: what a shell needs to complete commands, options and their values, made
/// from the same table that is parsed.
enum Completions {
  static let manual = Command(
    name: "completions", summary: "print completions for bash, zsh or fish",
    operands: [Operand("SHELL", choices: ["bash", "zsh", "fish"])],
    about: [
      "Prints a script that makes the shell complete the commands of roost, their options and the"
        + " values of these."
    ],
    examples: [
      ("source <(roost completions bash)", "bash, in this session:"),
      ("roost completions zsh > ~/.zfunc/_roost", "zsh, from a directory of its fpath:"),
      ("roost completions fish > ~/.config/fish/completions/roost.fish", "fish:"),
    ]
  ) { arguments in
    let commands = RoostCommand.commands
    let script =
      switch arguments.rest[0] {
      case "bash": bash(commands)
      case "zsh": zsh(commands)
      default: fish(commands)
      }
    try Terminal.write(arguments.wantsJSON ? Value.string(script).json + "\n" : script)
    return true
  }

  /// A text in single quotes, as all three shells read it; fish wants its quote marked otherwise.
  private static func single(_ text: String, fish: Bool = false) -> String {
    "'" + text.replacing("'", with: fish ? "\\'" : "'\\''") + "'"
  }

  // MARK: bash

  private static func bash(_ commands: [Command]) -> String {
    var values = ""
    var options = ""
    var words = ""
    for command in commands {
      for option in command.allOptions where option.value != nil {
        let patterns = option.names.map { "\"\(command.name) \($0)\"" }.joined(separator: " | ")
        let reply =
          option.isPath
          ? "-f" : option.choices.isEmpty ? nil : "-W \"\(option.choices.joined(separator: " "))\""
        let action = reply.map { "COMPREPLY=($(compgen \($0) -- \"$current\")); return" }
        values += "    \(patterns)) \(action ?? "return") ;;\n"
      }
      let names = command.allOptions.flatMap(\.names).joined(separator: " ")
      options += "      \(command.name)) options=\"\(names)\" ;;\n"
      let choices = command.operands.flatMap(\.choices)
      if !choices.isEmpty {
        words += "    \(command.name)) words=\"\(choices.joined(separator: " "))\" ;;\n"
      }
    }
    return """
      # Completions of roost for bash.
      _roost() {
        local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
        local command=${COMP_WORDS[1]} options="" words=""
        COMPREPLY=()
        if [ "$COMP_CWORD" -eq 1 ]; then
          words="\(commands.map(\.name).joined(separator: " ")) --help --version"
          COMPREPLY=($(compgen -W "$words" -- "$current"))
          return
        fi
        case "$command $previous" in
      \(values)  esac
        if [[ $current == -* ]]; then
          case "$command" in
      \(options)    esac
          COMPREPLY=($(compgen -W "$options" -- "$current"))
          return
        fi
        case "$command" in
      \(words)  esac
        COMPREPLY=($(compgen -W "$words" -- "$current") $(compgen -f -- "$current"))
      }
      complete -o filenames -F _roost roost

      """
  }

  // MARK: zsh

  private static func zsh(_ commands: [Command]) -> String {
    func plain(_ text: String) -> String {
      var out = ""
      for character in text {
        if "[]:\\".contains(character) { out.append("\\") }
        out.append(character)
      }
      return out
    }
    var cases = ""
    for command in commands {
      var specs: [String] = []
      for option in command.allOptions {
        let others = option.names.joined(separator: " ")
        let action =
          option.isPath
          ? "_files" : option.choices.isEmpty ? "" : "(\(option.choices.joined(separator: " ")))"
        for name in option.names {
          let value = option.value.map { ":\($0):\(action)" } ?? ""
          specs.append(single("(\(others))\(name)[\(plain(option.summary))]\(value)"))
        }
      }
      for (place, operand) in command.operands.enumerated() {
        let action =
          operand.isPath
          ? "_files" : operand.choices.isEmpty ? "" : "(\(operand.choices.joined(separator: " ")))"
        let position =
          switch operand.count {
          case .one: "\(place + 1):"
          case .optional: "\(place + 1)::"
          case .any: "*:"
          }
        specs.append(single("\(position)\(operand.name):\(action)"))
      }
      let list = specs.joined(separator: " \\\n        ")
      cases += "    \(command.name))\n      _arguments \\\n        \(list)\n      ;;\n"
    }
    let names = commands.map { "    " + single("\($0.name):\(plain($0.summary))") }
    return """
      #compdef roost
      # Completions of roost for zsh.
      _roost() {
        local -a commands=(
      \(names.joined(separator: "\n"))
        )
        if (( CURRENT == 2 )); then
          _describe 'command' commands
          return
        fi
        local command=${words[2]}
        shift words
        (( CURRENT-- ))
        case $command in
      \(cases)  esac
      }
      if [[ ${funcstack[1]} == _roost ]]; then
        _roost "$@"
      else
        compdef _roost roost
      fi

      """
  }

  // MARK: fish

  private static func fish(_ commands: [Command]) -> String {
    var out = "# Completions of roost for fish.\ncomplete -c roost -f\n"
    for command in commands {
      out +=
        "complete -c roost -n __fish_use_subcommand -a \(command.name)"
        + " -d \(single(command.summary, fish: true))\n"
    }
    for command in commands {
      let seen = "complete -c roost -n '__fish_seen_subcommand_from \(command.name)'"
      for option in command.allOptions {
        var line = seen
        for name in option.names {
          line += name.hasPrefix("--") ? " -l \(name.dropFirst(2))" : " -s \(name.dropFirst())"
        }
        if option.value != nil {
          line += option.isPath ? " -r -F" : " -x"
          if !option.choices.isEmpty { line += " -a '\(option.choices.joined(separator: " "))'" }
        }
        out += line + " -d \(single(option.summary, fish: true))\n"
      }
      let choices = command.operands.flatMap(\.choices)
      if !choices.isEmpty { out += seen + " -a '\(choices.joined(separator: " "))'\n" }
      if command.operands.contains(where: \.isPath) { out += seen + " -F\n" }
    }
    return out
  }
}
