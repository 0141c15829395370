# SPDX-License-Identifier: BSL-1.0
# Puts a text file into the library, as a string.

# takt_embed(target page.html function header.hpp): adds a source file to the target that defines
# std::string_view takt::detail::function(), the text of the file. header.hpp declares it. A line
# {{include NAME}} in the text stands for the file of that name in the same folder. Made anew
# whenever something in the folder has changed.
function(takt_embed target file function header)
  get_filename_component(path ${file} ABSOLUTE)
  get_filename_component(folder ${path} DIRECTORY)
  file(GLOB parts CONFIGURE_DEPENDS ${folder}/*)
  set(output ${CMAKE_CURRENT_BINARY_DIR}/${target}_${function}.cpp)
  set(script ${CMAKE_CURRENT_FUNCTION_LIST_FILE})
  add_custom_command(OUTPUT ${output}
    COMMAND ${CMAKE_COMMAND}
      -DTEXT=${path} -DFUNCTION=${function} -DHEADER=${header} -DOUTPUT=${output} -P ${script}
    DEPENDS ${parts} ${script}
    COMMENT "Embedding ${file}"
    VERBATIM)
  target_sources(${target} PRIVATE ${output})
  set_source_files_properties(${output} PROPERTIES SKIP_PRECOMPILE_HEADERS ON)
endfunction()

# The content of a file with its includes, in the variable `result`.
function(takt_read_with_includes path result)
  get_filename_component(folder ${path} DIRECTORY)
  file(READ ${path} text)
  while(text MATCHES "{{include ([a-z_.]+)}}\n")
    set(line "${CMAKE_MATCH_0}")
    file(READ ${folder}/${CMAKE_MATCH_1} part)
    string(REPLACE "${line}" "${part}" text "${text}")
  endwhile()
  set(${result} "${text}" PARENT_SCOPE)
endfunction()

# A compiler need not take a literal of more than 16 380 bytes; several side by side are one string.
function(takt_write_source text function header output)
  if(text MATCHES "[)]TAKT\"" OR text MATCHES "[^\t\n -~]")
    message(FATAL_ERROR "${TEXT} has text that can't be embedded: )TAKT\" or other than ASCII")
  endif()
  set(literals "")
  string(LENGTH "${text}" length)
  set(begin 0)
  while(begin LESS length)
    string(SUBSTRING "${text}" ${begin} 8000 chunk)
    string(APPEND literals "\n    R\"TAKT(${chunk})TAKT\"")
    math(EXPR begin "${begin} + 8000")
  endwhile()
  file(WRITE ${output}
    "// Made by TaktEmbed.cmake.\n"
    "#include \"${header}\"\n\n"
    "namespace takt::detail {\n\n"
    "std::string_view ${function}() noexcept {\n  return${literals};\n}\n\n"
    "}  // namespace takt::detail\n")
endfunction()

if(CMAKE_SCRIPT_MODE_FILE)
  takt_read_with_includes(${TEXT} text)
  takt_write_source("${text}" ${FUNCTION} ${HEADER} ${OUTPUT})
endif()
