# Prints the shared libraries a program needs beyond its system's, one a line.
#
# PROGRAM: the file. FOLDERS: where to look besides its own search path.
# EXCLUDED_NAMES, EXCLUDED_PATHS: regular expressions of what is the system's.
file(GET_RUNTIME_DEPENDENCIES
  EXECUTABLES "${PROGRAM}"
  DIRECTORIES ${FOLDERS}
  PRE_EXCLUDE_REGEXES ${EXCLUDED_NAMES}
  POST_EXCLUDE_REGEXES ${EXCLUDED_PATHS}
  RESOLVED_DEPENDENCIES_VAR found
  UNRESOLVED_DEPENDENCIES_VAR missing
  CONFLICTING_DEPENDENCIES_PREFIX conflict)
foreach(name IN LISTS conflict_FILENAMES)
  list(GET conflict_${name} 0 first)
  list(APPEND found "${first}")
endforeach()
foreach(path IN LISTS found)
  execute_process(COMMAND ${CMAKE_COMMAND} -E echo "found ${path}")
endforeach()
foreach(name IN LISTS missing)
  execute_process(COMMAND ${CMAKE_COMMAND} -E echo "missing ${name}")
endforeach()
