# What `cmake --install` puts where, and what find_package(aldis) finds there: the shared library as aldis::aldis, the
# public headers, the executables. tests/consumer builds an outside project against the result.
include(CMakePackageConfigHelpers)

install(TARGETS aldis EXPORT aldis-targets)
install(TARGETS aldis_cli aldis_courier)
install(DIRECTORY include/aldis TYPE INCLUDE FILES_MATCHING PATTERN "*.h")
install(FILES LICENSE TYPE DOC)

set(aldis_package_directory ${CMAKE_INSTALL_LIBDIR}/cmake/aldis)
install(EXPORT aldis-targets NAMESPACE aldis:: DESTINATION ${aldis_package_directory})
configure_package_config_file(cmake/aldis-config.cmake.in ${CMAKE_BINARY_DIR}/aldis-config.cmake
                              INSTALL_DESTINATION ${aldis_package_directory})
write_basic_package_version_file(${CMAKE_BINARY_DIR}/aldis-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/aldis-config.cmake ${CMAKE_BINARY_DIR}/aldis-config-version.cmake
        DESTINATION ${aldis_package_directory})
