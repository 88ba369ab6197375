# SPDX-License-Identifier: MIT
#
# Stands for that of another server.

raise LoadError, 'the library of another server'
