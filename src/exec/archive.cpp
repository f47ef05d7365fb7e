// Boost's table of exported classes, once for each archive: its headers leave that to the archive's library.

#include "parrun/archive.hpp"

#include <boost/archive/impl/archive_serializer_map.ipp>

template class boost::archive::detail::archive_serializer_map<parrun::detail::OutArchive>;
template class boost::archive::detail::archive_serializer_map<parrun::detail::InArchive>;
