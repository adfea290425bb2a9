# SPDX-License-Identifier: Apache-2.0

import os
import sys

sys.path.insert(0, os.path.abspath('../ext'))

extensions = [
    'cliff.sphinxext',
    'notifications',
    'openstackdocstheme',
    'oslo_config.sphinxext',
    'sphinx.ext.autodoc',
    'states',
    'stevedore.sphinxext',
]

project = 'nova-balloon-timer'
copyright = '2026, nova-balloon-timer contributors'

highlight_language = 'none'
pygments_style = 'native'
# The theme's own license notice names another license than ours.
templates_path = ['_templates']

html_theme = 'openstackdocs'
html_theme_options = {
    'analytics_tracking_code': '',
    'display_global_toc_section': True,
    'root_title': project,
}
openstackdocs_auto_name = False

autodoc_member_order = 'bysource'
autodoc_typehints = 'description'
autoprogram_cliff_application = 'nova-balloon-timer'
autoprogram_cliff_app_dist_name = 'nova-balloon-timer'
