# The sources of a folder compiled as one: what is called between them can be inlined (a fifth more tasks a second; link
# time optimisation gives no more), and each header is read once (two thirds of the time to build, a third for
# clang-tidy). So names in anonymous namespaces are not to be the same in two files of a folder.
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
