# The sources of a folder compiled as one: each header is read once, which takes two thirds of the time to build and a
# third of clang-tidy's; the program is no faster by it. So names in anonymous namespaces are not to be the same in two
# files of a folder.
#   parrun_unite_folders(TARGET [FOLDER...])   all, or only these
option(PARRUN_UNITE_FOLDERS "Compile the sources of a folder as one" OFF)

function(parrun_unite_folders target)
  if(NOT PARRUN_UNITE_FOLDERS)
    return()
  endif()
  get_target_property(sources ${target} SOURCES)
  foreach(source IN LISTS sources)
    cmake_path(GET source PARENT_PATH folder)
    cmake_path(GET folder FILENAME folder)
    if(NOT ARGN OR folder IN_LIST ARGN)
      set_source_files_properties(${source} PROPERTIES UNITY_GROUP ${folder})
    endif()
  endforeach()
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
endfunction()
