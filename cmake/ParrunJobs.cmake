# parrun_add_jobs(<name> <sources>...): a module of task functions, <name>.so in the current binary folder,
# for `parrun --load`. It takes parrun's own symbols from the program that loads it.
function(parrun_add_jobs name)
  add_library(${name} MODULE ${ARGN})
  target_link_libraries(${name} PRIVATE parrun::headers)
  set_target_properties(${name} PROPERTIES PREFIX "" SUFFIX .so)
endfunction()
