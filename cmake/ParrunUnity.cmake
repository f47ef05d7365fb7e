# The sanitizers' builds compile far longer than they run, and the headers are most of it: there the sources of a folder
# are compiled as one. So names in anonymous namespaces are not to be the same in two files of a folder.
#   parrun_unite_folders(TARGET [FOLDER...])   all, or only these
function(parrun_unite_folders target)
  if(NOT PARRUN_SANITIZE)
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
